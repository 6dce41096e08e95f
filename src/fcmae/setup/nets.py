"""Chooses the network of a command, by name or weights, before PyTorch is imported."""

from dataclasses import replace
from pathlib import Path

from fcmae.checkpoint.options import Source
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.flags import option
from fcmae.model.grn_options import Grn, Response
from fcmae.model.options import Architecture, EncoderOptions, architecture, check_recomputing
from fcmae.model.timm_options import PREFIX, TimmArchitecture, is_of_timm
from fcmae.options.size import Size, divisible_sides, sides, size_or
from fcmae.setup.weights import Weights, read_weights, size_name


def architecture_of(
    model: str | None,
    encoder: EncoderOptions,
    weights: Weights | None,
    *,
    adapt: bool = False,
    grn: Grn | None = None,
) -> Architecture:
    """The architecture that is asked for: that of the weights, or that of a name.

    Args:
        model: The name.
        encoder: Channels and stem.
        weights: The weights; None for a new model.
        adapt: Whether the weights are made to fit other channels than their own.
        grn: What the blocks should have in GRN's place, where that is said.

    Raises:
        CheckpointError: The weights are those of another model than the one named.
    """
    grn = grn or Grn()
    if weights is None:
        new = architecture(model or "atto", channels=encoder.num_channels, stem=encoder.stem)
        return _responding(new, encoder, grn)
    have = weights.architecture
    if adapt:
        have = replace(have, channels=encoder.num_channels)
    if model is not None:
        wanted = architecture(model, channels=have.channels, stem=have.stem)
        if wanted != replace(have, grn=Response()):
            raise CheckpointError(
                f"model is {model}, but the weights in {weights.path} are of {size_name(have)}: "
                f"leave {option('model')} out, or give other weights."
            )
    for name, given in (("channels", encoder.channels), ("stem", encoder.stem)):
        if given not in (getattr(EncoderOptions, name), getattr(have, name)):
            raise CheckpointError(
                f"encoder.{name} is {given}, but the weights in {weights.path} have "
                f"{getattr(have, name)}: leave {option(f'encoder.{name}')} out, or give other "
                f"weights{_or_adapt(name)}."
            )
    return _responding(have, encoder, grn)


def _or_adapt(name: str) -> str:
    """The way out that only other channels have."""
    return f" or {option('adapt')}" if name == "channels" else ""


def _responding(architecture: Architecture, encoder: EncoderOptions, grn: Grn) -> Architecture:
    """The architecture with what is asked for in GRN's place."""
    changed = replace(architecture, grn=grn.over(architecture.grn))
    check_recomputing(changed, checkpointing=encoder.checkpointing)
    return changed


def net_of(
    model: str | None,
    encoder: EncoderOptions,
    weights: Weights | None,
    *,
    adapt: bool = False,
    grn: Grn | None = None,
) -> Architecture | TimmArchitecture:
    """Network that is asked for, as in ``architecture_of``, where one of timm may stand too."""
    named = is_of_timm(model)
    net = None if weights is None else weights.net
    if not named and not isinstance(net, TimmArchitecture):
        return architecture_of(model, encoder, weights, adapt=adapt, grn=grn)
    if grn not in (None, Grn()):
        raise ValueError(
            f"a net of timm has no GRN that {option('grn')} could change: leave it out."
        )
    if encoder.stem != EncoderOptions.stem:
        raise ValueError("encoder.stem is for encoders of ours: leave it out with a net of timm.")
    if weights is None:
        return random_net(model or "", encoder)
    if not isinstance(net, TimmArchitecture) or model not in (None, str(net)):
        raise CheckpointError(
            f"model is {model}, but the weights in {weights.path} are of "
            f"{net if isinstance(net, TimmArchitecture) else size_name(weights.architecture)}: "
            f"leave {option('model')} out, or give other weights."
        )
    if encoder.channels not in (None, net.channels) and not adapt:
        raise CheckpointError(
            f"encoder.channels is {encoder.channels}, but the weights in {weights.path} have "
            f"{net.channels}: leave {option('encoder.channels')} out, or give other weights"
            f"{_or_adapt('channels')}."
        )
    return replace(net, channels=encoder.num_channels) if adapt else net


def random_net(model: str, encoder: EncoderOptions) -> TimmArchitecture:
    """The net of timm that is asked for by name, for new weights."""
    from fcmae.checkpoint.timm_names import net_of as net_of_timm

    return net_of_timm(model.removeprefix(PREFIX), encoder.num_channels)


def stride_of(net: Architecture | TimmArchitecture) -> int:
    """Pixels per position of a net's last map, along each side."""
    if isinstance(net, Architecture):
        return net.stride
    from fcmae.model.timm_body import last_map_format

    return last_map_format(net).stride


def check_model(model: str | None) -> None:
    """Refuse a name that no model has; those of timm are looked up with its library."""
    if model is not None and not is_of_timm(model):
        architecture(model)


def weights_or_none(
    source: str | Path | None, fetch: Source | None = None, reporter: Reporter | None = None
) -> Weights | None:
    """Reads the metadata of weights, where some are given."""
    return None if source is None else read_weights(source, fetch=fetch, reporter=reporter)


def size_for(size: Size | None, weights: Weights, name: str = "size") -> tuple[int, int]:
    """The size asked for, or the one that the weights were made for."""
    return net_at(size_or(size, weights.size), weights.net, name)[0]


def net_at(
    size: Size, net: Architecture | TimmArchitecture, name: str = "size"
) -> tuple[tuple[int, int], Architecture | TimmArchitecture]:
    """Height and width that a net takes, and the net for them, where it is built for one size.

    Raises:
        ValueError: It does not take them.
    """
    if isinstance(net, Architecture):
        return divisible_sides(size, net.stride, name), net
    height_width = sides(size, name)
    net = at_size(net, height_width)
    from fcmae.model.timm_net import check_images

    check_images(net, height_width, name)
    return height_width, net


def at_size(net: TimmArchitecture, size: tuple[int, int]) -> TimmArchitecture:
    """The net of timm for images of this size, where it is built for one size."""
    return net if net.size is None else replace(net, size=size)


def check_test_size(
    test_size: Size, size: tuple[int, int], net: Architecture | TimmArchitecture
) -> None:
    """Refuse a size to validate at that a net trained at another one does not take."""
    if isinstance(net, TimmArchitecture) and net.size is not None and sides(test_size) != size:
        raise ValueError(
            f"test_size is {test_size}, but {net} is built for one size, here {size[0]} x "
            f"{size[1]}: leave test_size out."
        )
    net_at(test_size, net, "test_size")
