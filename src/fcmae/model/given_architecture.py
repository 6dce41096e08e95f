"""The architecture that a model class is given: whole, or a name with channels and stem."""

from typing import Any

from fcmae.model.options import Architecture, EncoderOptions, architecture
from fcmae.model.timm_options import PREFIX, TimmArchitecture, is_of_timm


def architecture_of(
    given: Any, channels: int | None = None, stem: int | None = None
) -> Architecture:
    """The architecture of an encoder of ours.

    Args:
        given: It itself, the name of a size, or None for ``atto``.
        channels: Channels of the images, where it is not given itself; 3 by default.
        stem: Side of the stem's patches, likewise; 4 by default.

    Raises:
        ValueError: There is no such architecture, or it says something else itself.
    """
    net = net_of(given, channels, stem)
    if isinstance(net, Architecture):
        return net
    raise ValueError(
        f"architecture is {net}, but this model has an encoder of ours: nets of timm are for "
        "Detector, Segmenter, Estimator and NetAutoencoder."
    )


def net_of(
    given: Any, channels: int | None = None, stem: int | None = None
) -> Architecture | TimmArchitecture:
    """The same, where it may be that of a net of timm, by its name ``timm:NAME`` too."""
    more = {k: v for k, v in (("channels", channels), ("stem", stem)) if v is not None}
    if isinstance(given, Architecture | TimmArchitecture):
        for name, value in more.items():
            if value != getattr(given, name):
                raise ValueError(
                    f"{name} is {value}, but the {type(given).__name__} given with it has "
                    f"{getattr(given, name)}: say it there alone."
                )
        return given
    if not isinstance(given, str | None):
        raise ValueError(
            f"architecture is {given!r}, but must be the name of a size, such as 'tiny', or a "
            "fcmae.Architecture."
        )
    options = EncoderOptions(**more)  # type: ignore[arg-type]  # which checks them
    if not is_of_timm(given):
        return architecture(given or "atto", channels=options.num_channels, stem=options.stem)
    if stem is not None:
        raise ValueError(f"stem is {stem}, but {given} has its own: leave it out.")
    return TimmArchitecture(timm=str(given).removeprefix(PREFIX), channels=options.num_channels)
