"""The loss of pre-training of an answer that never looks at an image."""

from collections.abc import Iterable

import torch

from fcmae.data.batch import Batch
from fcmae.loss.options import Target
from fcmae.loss.pixels import statistics, to_patches


def constant_loss(batches: Iterable[Batch], target: Target, *, side: int) -> float | None:
    """Computes the lowest loss of predicting the same for every patch of every image.

    That is the mean squared error of the targets around their mean over all patches. A run whose
    loss stays near it has learnt nothing from what is visible.

    Args:
        batches: Images as a pre-training gets them.
        target: Normalisation of the target.
        side: Side of a patch in pixels.

    Returns:
        The loss; None if there is no image or no known pixel.
    """
    sums, squares, counts = (torch.zeros(1, dtype=torch.float64) for _ in range(3))
    for batch in batches:
        if not len(batch):
            continue
        patches = to_patches(batch.images, side)
        known = torch.ones_like(patches)
        missing = None
        if batch.missing is not None:
            missing = to_patches(batch.missing.to(patches.dtype), side) > 0
            known = known.masked_fill(missing, 0)
        if target.normalize:
            of_patch = statistics(patches, target.groups_of(batch.images.shape[1]), missing)
            patches = (patches - of_patch.mean) / of_patch.std
        patches, known = (x.flatten(0, 1).double() for x in (patches * known, known))
        sums, squares = sums + patches.sum(0), squares + patches.square().sum(0)
        counts = counts + known.sum(0)
    if not counts.sum():
        return None
    errors = squares - sums.square() / counts.clamp(min=1)
    return float(errors.sum() / counts.sum())
