"""Axis orders of a tensor in another library, in einops notation, both ways."""

import math
import re
from dataclasses import dataclass, field
from typing import TypeVar

from einops import rearrange

Shape = tuple[int, ...]
AnyTensor = TypeVar("AnyTensor")


@dataclass(frozen=True, kw_only=True)
class AxisOrder:
    """Axes here and there.

    Attributes:
        ours: Axes of the tensor here, such as ``c 1 r s``.
        theirs: Axes of the tensor there; the first is written, the others are read as well.
        sizes: Sizes that the axes there do not tell.
    """

    ours: str
    theirs: tuple[str, ...]
    sizes: dict[str, int] = field(default_factory=dict)

    def shape_here(self, shape: Shape) -> Shape | None:
        """The shape that a tensor of theirs has here; None if it cannot be one."""
        for axes in self.theirs:
            if (found := _bind(axes, shape, self.sizes)) is not None:
                return tuple(math.prod(found[a] for a in group) for group in _groups(self.ours))
        return None

    def to_ours(self, x: AnyTensor) -> AnyTensor:
        """A tensor of theirs as it is here."""
        shape = tuple(x.shape)  # type: ignore[attr-defined]
        axes = next(axes for axes in self.theirs if _bind(axes, shape, self.sizes) is not None)
        return _rearrange(x, f"{axes} -> {self.ours}", self.sizes)

    def to_theirs(self, x: AnyTensor) -> AnyTensor:
        """A tensor of ours as it is there."""
        return _rearrange(x, f"{self.ours} -> {self.theirs[0]}", {})


GRN_ROW = AxisOrder(ours="c", theirs=("1 c", "1 1 1 c", "c"))
GRN_IMAGE = AxisOrder(ours="c", theirs=("1 1 1 c", "1 c", "c"))
GRN_VECTOR = AxisOrder(ours="c", theirs=("c", "1 1 1 c", "1 c"))
LINEAR = AxisOrder(ours="o c", theirs=("o c", "o c 1 1"))
CONVOLUTION = AxisOrder(ours="o c", theirs=("o c 1 1", "o c"))


def _rearrange(x: AnyTensor, axes: str, sizes: dict[str, int]) -> AnyTensor:
    y: AnyTensor = rearrange(x, axes, **sizes)
    return y


def _groups(axes: str) -> list[list[str]]:
    """The names in each axis: ``(s r) c`` has two axes, the first of two names."""
    found = re.findall(r"\(([^)]*)\)|(\S+)", axes)
    return [inner.split() if inner else [alone] for inner, alone in found]


def _bind(axes: str, shape: Shape, sizes: dict[str, int]) -> dict[str, int] | None:
    """The size of each name if a tensor of this shape has these axes."""
    groups = _groups(axes)
    if len(groups) != len(shape):
        return None
    known = {"1": 1, **sizes}
    for names, size in zip(groups, shape, strict=True):
        free = [name for name in names if name not in known]
        rest = math.prod(known[name] for name in names if name in known)
        if size % rest or (not free and size != rest):
            return None
        for name in free:
            known[name] = size // rest
    return known
