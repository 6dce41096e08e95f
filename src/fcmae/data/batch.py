"""Batches that the loader gives to a task."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from fcmae.data.targets import Targets
from fcmae.types import Images, Labels


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Images with their place in the data set, from which every random draw is derived.

    Attributes:
        images: Normalised by the loader's mean and std, float32. Where each comes in two views
            (``fcmae.data.pairs``), the views of an image are neighbours; all else is said once.
        missing: True at pixels that are not known, where ``images`` are 0; None where all are
            known, or where nobody asks.
        labels: Class index of each image, or None where there are none.
        targets: What else is known about each image (label maps, boxes, numbers), or None.
        indices: Index of each image in the data set, int64. (After a replacement, still the
            index that was asked for.) On the CPU, like repeats.
        repeats: Which of several crops of the same image each one is, int64.
        epoch: The epoch that the images belong to.
        unusable: (path, reason) of the files that had to be replaced.
    """

    images: Images
    missing: Bool[Tensor, "n c h w"] | None = None
    labels: Labels | None = None
    targets: Targets | None = None
    indices: Tensor
    repeats: Tensor
    epoch: int = 0
    unusable: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.indices)

    def pin_memory(self) -> "Batch":
        """Copy to page-locked memory, as PyTorch's loader asks for."""
        return self.map(lambda x: x.pin_memory())

    def to(self, device: torch.device, *, non_blocking: bool = True) -> "Batch":
        """Move what the model computes with; the rest is bookkeeping and stays on the CPU."""
        return self.map(lambda x: x.to(device, non_blocking=non_blocking))

    def map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """The same batch with a function applied to all that a model computes with."""
        return replace(
            self,
            images=function(self.images),
            missing=None if self.missing is None else function(self.missing),
            labels=None if self.labels is None else function(self.labels),
            targets=None if self.targets is None else self.targets.map(function),
        )
