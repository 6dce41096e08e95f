"""A net of the user's own, by all that is known of it before PyTorch is imported."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NetArchitecture:
    """A net of the user's own, which only the user's code can build.

    Attributes:
        net: Dotted name of its class.
        channels: Channels of the images.
    """

    net: str
    channels: int

    @classmethod
    def of(cls, module: Any, channels: int) -> "NetArchitecture":
        """The description of a module."""
        kind = type(module)
        return cls(net=f"{kind.__module__}.{kind.__qualname__}", channels=channels)

    def __str__(self) -> str:
        return self.net
