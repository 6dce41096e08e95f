"""The labels of a batch's images as tensors: a few large ones, however many objects there are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import torch
from torch import Tensor

ViewTarget: TypeAlias = dict[str, Tensor]
"""The labels of one image by name, as ``fcmae.data.annotations.Annotation`` has them."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """One ``ViewTarget`` per image, which indexing and iteration give.

    Each name has one tensor for the whole batch, because tensors sent between processes cost a
    file descriptor each, and tensors sent to a GPU a copy each.

    Attributes:
        values: The values of all images under each name, one after the other.
        shapes: The shape of each image's tensor under each name.
    """

    values: dict[str, Tensor]
    shapes: list[dict[str, tuple[int, ...]]]

    @classmethod
    def of(cls, targets: Sequence[ViewTarget]) -> "Targets":
        """Join the labels of several images, which must have the same names and types."""
        names = list(targets[0]) if targets else []
        if any(list(target) != names for target in targets):
            raise ValueError(f"the images of a batch have other labels than {', '.join(names)}.")
        # A subclass of Tensor (torchvision's) would be copied on its way between processes.
        plain = [{n: x.as_subclass(Tensor) for n, x in target.items()} for target in targets]
        return cls(
            values={n: torch.cat([target[n].reshape(-1) for target in plain]) for n in names},
            shapes=[{n: tuple(x.shape) for n, x in target.items()} for target in plain],
        )

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int) -> ViewTarget:
        return list(self)[index]

    def __iter__(self) -> Iterator[ViewTarget]:
        begin = dict.fromkeys(self.values, 0)
        for shapes in self.shapes:
            target = {}
            for name, shape in shapes.items():
                end = begin[name] + prod(shape)
                target[name] = self.values[name][begin[name] : end].view(shape)
                begin[name] = end
            yield target

    def map(self, function: Callable[[Tensor], Tensor]) -> "Targets":
        """The same labels with a function applied to their values, whose number must not change."""
        return replace(self, values={name: function(x) for name, x in self.values.items()})
