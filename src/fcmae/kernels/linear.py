"""Linear layers over the last axis."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.kernels.choice import implementation
from fcmae.types import Features

SMALL = 20480
"""PyTorch gives no convolution of one image to oneDNN that has fewer values than this."""


def linear(x: Features, weight: Tensor, bias: Tensor) -> Float[Tensor, "n p d"]:
    """``x @ weight.T + bias``.

    In float32 on the CPU it is asked for as a 1 x 1 convolution. That is the same product, but
    PyTorch gives it to oneDNN rather than to MKL, which on AMD processors takes 1.3x as long.
    """
    n, p, c = x.shape
    if torch.is_autocast_enabled(x.device.type) or implementation(x) != "native":
        return F.linear(x, weight, bias)
    # Only now: a question about sizes would bind what is exported to them.
    if x.numel() <= SMALL or x.dtype != torch.float32:
        return F.linear(x, weight, bias)
    column = x.reshape(1, n * p, 1, c).permute(0, 3, 1, 2)
    y = F.conv2d(column, weight[:, :, None, None], bias)
    return y.permute(0, 2, 3, 1).reshape(n, p, -1)
