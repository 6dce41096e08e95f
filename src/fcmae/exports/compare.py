"""Compares an exported model with its source."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fcmae.errors import FcmaeError
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import ExportPrecision
from fcmae.masking import Mask, draw_visible, patch_grid, patch_side
from fcmae.types import Images

Inputs = tuple[Tensor, ...]
ModuleOutputs = Sequence[Tensor]

TOLERANCE: dict[ExportPrecision, float] = {"float32": 1e-4, "float16": 3e-2}
"""Largest difference, as a share of the largest output where that is above 1."""


def difference(
    model: nn.Module,
    exported: Callable[[Inputs], ModuleOutputs],
    facts: ExportFacts,
    *,
    any_size: bool,
) -> float:
    """The largest difference of any output, relative as ``TOLERANCE`` is.

    Batches of one and of three images are compared, at two sizes where the export takes any.

    Raises:
        FcmaeError: It is above the tolerance, or an output is not finite.
    """
    gaps = [0.0]
    for inputs in _examples(facts, any_size=any_size):
        for theirs, ours in zip(exported(inputs), outputs(model, inputs), strict=True):
            if theirs.shape != ours.shape:
                raise FcmaeError(
                    f"the exported model was thrown away: an output has the shape "
                    f"{tuple(theirs.shape)}, but the model's has {tuple(ours.shape)}."
                )
            scale = max(1.0, float(ours.abs().max()))
            gaps.append(float((theirs.double() - ours.double()).abs().max()) / scale)
    # What is not a number must not be lost among those that are.
    largest = math.nan if any(map(math.isnan, gaps)) else max(gaps)
    tolerance = TOLERANCE[facts.precision]
    if not largest <= tolerance:
        raise FcmaeError(
            f"the exported model was thrown away: its outputs differ from the model's by "
            f"{largest:.1e}, but at most {tolerance:g} was expected of {facts.precision}."
        )
    return largest


def outputs(model: nn.Module, inputs: Inputs) -> ModuleOutputs:
    """Outputs of a module, always as a sequence."""
    with torch.no_grad():
        found = model(*inputs)
    return [found] if isinstance(found, Tensor) else list(found)


def example(facts: ExportFacts, *, batch: int, size: tuple[int, int]) -> Inputs:
    """Noise as normalised images are, and for an autoencoder the patches that it may see."""
    generator = torch.Generator().manual_seed(batch)
    images: Images = torch.randn(batch, facts.architecture.channels, *size, generator=generator)
    if facts.part != "autoencoder":
        return (images,)
    mask = Mask(**facts.card.model["mask"])
    rows, columns = patch_grid(*size, patch_side(mask, facts.architecture.stride))
    visible = draw_visible(
        mask, rows * columns, seed=0, epoch=0, images=np.arange(batch), grid=(rows, columns)
    )
    return images, torch.from_numpy(visible)


def _examples(facts: ExportFacts, *, any_size: bool) -> Iterator[Inputs]:
    height, width = facts.size
    yield example(facts, batch=1, size=facts.size)
    if facts.part == "autoencoder":
        return
    yield example(facts, batch=3, size=facts.size)
    if any_size:
        yield example(facts, batch=1, size=(height + facts.architecture.stride, width))
