"""A stem for images of another number of channels than the weights were made for."""

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.checkpoint.options import Rule


def adapt_stem(
    weight: Float[Tensor, "o old r s"], channels: int, rule: Rule
) -> Float[Tensor, "o new r s"]:
    """The stem's weight for another number of channels.

    With either rule an image whose channels are all alike gives the same features as before:
    exactly by ``average``, and by ``repeat`` where the number is a multiple of the old one.

    Args:
        weight: The stem's weight.
        channels: Channels of the images.
        rule: ``repeat``: channel k has the weights of channel k modulo the old number, times
            old / new. ``average``: every channel has the mean of the old weights, times old / new.
    """
    old = weight.shape[1]
    if rule == "repeat":
        source = weight[:, torch.arange(channels) % old]
    else:
        source = weight.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1)
    return (source * (old / channels)).contiguous()
