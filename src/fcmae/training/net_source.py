"""The net to pre-train: by its name, or from Python as a module."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeGuard

from fcmae.model.net_options import NetArchitecture
from fcmae.options.objects import FromPython

if TYPE_CHECKING:
    from torch import nn

    NetSource: TypeAlias = str | nn.Module


def is_module(model: object) -> "TypeGuard[nn.Module]":
    """True for a net of the user's own; False for the name of a net, or nothing."""
    return hasattr(model, "named_parameters")


def record_of(module: Any) -> str:
    """Describes a module in the record of a run: its class, and how many parameters it has."""
    number = sum(p.numel() for p in module.parameters())
    return f"<{NetArchitecture.of(module, 0)} of {number:,} parameters>"


if not TYPE_CHECKING:
    NetSource = (
        str
        | Annotated[
            object,
            FromPython(
                words="a ConvNet of yours (a module, images to a feature map n c h w)",
                alias="fcmae.training.net_source.NetSource",
                fits=is_module,
                record=record_of,
            ),
        ]
    )
    """A net by its name, or a module."""
