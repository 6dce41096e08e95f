"""Words for a net of a user's own in which a layer is given other channels than it takes."""

from dataclasses import dataclass
from traceback import walk_tb
from typing import Any

from torch import Tensor, nn

SECOND = ("in_channels", "num_channels", "num_features")
"""Attributes of layers that tell the channels of an input ``n c ...``."""

LAST = ("in_features", "normalized_shape")
"""Attributes of layers that tell the length of an input's last axis."""


@dataclass(frozen=True, kw_only=True)
class OtherWidth:
    """A layer, and an input that does not fit it.

    Attributes:
        layer: Its name in the net and its class.
        takes: Channels that it takes.
        shape: Shape of what it was given.
        axis: The axis of that which has the channels.
    """

    layer: str
    takes: int
    shape: tuple[int, ...]
    axis: int

    @property
    def gets(self) -> int:
        """Channels that it was given."""
        return self.shape[self.axis]

    def __str__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        axis = "second" if self.axis == 1 else "last"
        return (
            f"{self.layer} takes {self.takes} channels on the {axis} axis, but was given {shape}, "
            f"which has {self.gets}"
        )


def other_width(error: RuntimeError, net: Any) -> OtherWidth | None:
    """Finds the layer that an error of PyTorch came from, if its input has another width.

    Args:
        error: The error.
        net: The net that was called.
    """
    calls = [frame.f_locals for frame, _ in walk_tb(error.__traceback__)]
    inside = [call for call in calls if isinstance(call.get("self"), nn.Module)]
    if not inside:
        return None
    layer = inside[-1]["self"]
    given = next((inside[-1][n] for n in ("input", "x") if n in inside[-1]), None)
    for names, axis in ((SECOND, 1), (LAST, -1)):
        width = next((getattr(layer, n) for n in names if hasattr(layer, n)), None)
        takes = width[-1] if isinstance(width, tuple) else width
        if isinstance(takes, int) and isinstance(given, Tensor) and given.ndim > 1:
            if given.shape[axis] == takes:
                return None
            return OtherWidth(
                layer=_called(layer, net), takes=takes, shape=tuple(given.shape), axis=axis
            )
    return None


def _called(layer: nn.Module, net: Any) -> str:
    """The name of a layer in its net, and its class."""
    modules = net.named_modules() if isinstance(net, nn.Module) else ()
    name = next((path for path, module in modules if module is layer), "")
    kind = type(layer).__name__
    return f"its layer {name} ({kind})" if name else f"the {kind}"
