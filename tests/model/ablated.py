"""The variants of the paper's ablations, by the names that the tests show."""

import numpy as np
import torch

from fcmae.masking import Mask, draw_visible, patch_grid
from fcmae.model.grn_options import Response
from fcmae.model.options import Architecture

RESPONSES = {
    "none": Response(kind="none"),
    "l1": Response(aggregation="l1"),
    "mean": Response(aggregation="mean"),
    "standardize": Response(normalization="standardize"),
    "sum": Response(normalization="sum"),
    "no-residual": Response(residual=False),
    "no-affine": Response(affine=False),
    "affine-only": Response(aggregation="none", normalization="none"),
    "aggregate-only": Response(normalization="none"),
    "not-last": Response(stages=(1, 2, 3)),
    "lrn": Response(kind="lrn"),
    "batchnorm": Response(kind="batchnorm"),
    "layernorm": Response(kind="layernorm"),
    "se": Response(kind="se"),
    "cbam": Response(kind="cbam"),
}
"""All but the one whose numbers explode, as the paper says of it: normalised, not aggregated."""


def tiny(response: Response | None = None) -> Architecture:
    return Architecture(depths=(1, 1, 2, 1), dims=(8, 12, 16, 24), grn=response or Response())


def masks(n: int, height: int, width: int, patch: int = 32) -> torch.Tensor:
    rows, columns = patch_grid(height, width, patch)
    drawn = draw_visible(Mask(), rows * columns, seed=0, epoch=0, images=np.arange(n))
    return torch.from_numpy(drawn)


def awake(model: torch.nn.Module) -> torch.nn.Module:
    """Give parameters that start at zero, and gates, values that show mistakes."""
    for name, parameter in model.named_parameters():
        if any(part in name for part in ("grn.", "norm", "bias")):
            torch.nn.init.normal_(parameter, std=0.5)
    return model
