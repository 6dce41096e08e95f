"""Weights for use: one safetensors file that says which model it is, and the way back."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fcmae.checkpoint.adapt import adapt_stem
from fcmae.checkpoint.card import FORMAT, Card
from fcmae.checkpoint.filling import Shapes, differences, fill, read_finite, shapes_of
from fcmae.checkpoint.formats.form import Shape
from fcmae.checkpoint.formats.recognise import some
from fcmae.checkpoint.header import KEY, Header, read_header
from fcmae.checkpoint.options import Rule
from fcmae.checkpoint.own_code import encoder_alone, ways_out
from fcmae.checkpoint.report import (
    PREFIX,
    STEM,
    LoadReport,
    Value,
    is_response,
    part_of,
    prefixed,
    report_of,
)
from fcmae.checkpoint.tensors import Tensors, non_finite, num_bytes, write_tensors
from fcmae.checkpoint.timm_weights import give_weights, new_model
from fcmae.errors import CheckpointError, NonFiniteError
from fcmae.files import durable
from fcmae.model.build import OwnCodeError, describe, rebuild
from fcmae.model.encoder import Encoder, encoder_of
from fcmae.model.kinds import own_code
from fcmae.model.options import architecture_from
from fcmae.model.timm_net import timm_encoder_of


def save_weights(
    path: str | Path,
    model: nn.Module,
    card: Mapping[str, Any] | None = None,
    tensors: Tensors | None = None,
) -> None:
    """Write a model's weights into one file, durably, for ``fcmae.load`` and all commands.

    Args:
        path: The file, ``.safetensors``.
        model: Says what is in the file. A net of your own is saved whole, with its class's name.
        card: Further facts for the reader, JSON: ``size`` (height and width of the images),
            ``mean`` and ``std`` of each channel, ``classes`` (their names), ``licence``.
        tensors: The weights; the model's own by default.

    Raises:
        NonFiniteError: A tensor holds NaN or infinity; nothing was written.
        StorageError: There is no room, or no permission.
    """
    path = Path(path)
    tensors = model.state_dict() if tensors is None else tensors
    if bad := non_finite(tensors):
        raise NonFiniteError(f"{path} was not written: {bad[0]} holds NaN or infinity.")
    staged = path.with_name(f"{durable.STAGING}{path.name}")
    with durable.storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.check_space(path.parent, num_bytes(tensors))
        try:
            write_tensors(staged, tensors, metadata(model, card or {}))
            durable.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def metadata(model: nn.Module, card: Mapping[str, Any]) -> dict[str, str]:
    """Metadata that a weights file will carry.

    Raises:
        TypeError: The card is not JSON.
        ValueError: The card could not be read again, or what a registered kind says of its model
            cannot be saved.
    """
    content = {"format": FORMAT, "model": describe(model), **card}
    written = json.dumps(content, allow_nan=False)
    Card.from_json(json.loads(written))
    return {KEY: written}


def load_model(
    source: Path | Header,
    *,
    channels: int | None = None,
    adapt: Rule | None = None,
    size: tuple[int, int] | None = None,
    model: nn.Module | None = None,
) -> tuple[nn.Module, Card]:
    """The model in a file or a run's folder, in evaluation mode on the CPU, and its card.

    Args:
        source: The weights, or their header.
        channels: Channels of the images, where they are not those of the weights.
        adapt: How the stem becomes one for them.
        size: Height and width of the images, for a net of timm that is built for one size.
        model: The model to fill, which then has to be the file's to the last tensor. By default it
            is made as the file describes it.

    Raises:
        CheckpointError: The file is not whole, or not one that this version can rebuild.
        ValueError: A net of a user's own cannot be changed to other channels.
    """
    header = _header(source)
    if model is not None or own_code(header.card.model):
        if channels is not None or adapt is not None:
            raise ValueError(
                "channels and adapt change models that fcmae makes, but this net is your own: "
                "leave them out."
            )
        model = model or _own(header)
        fill(model, header)
        return model.eval(), header.card
    try:
        model = _rebuilt(header, channels, size)
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"the model in {header.path} needs another version of fcmae: {error}"
        ) from error
    load_into(model, header, adapt=adapt)
    return model.eval(), header.card


def _own(header: Header) -> nn.Module:
    """A new net of a class that a user has registered."""
    description = header.card.model
    try:
        return rebuild(description)
    except OwnCodeError as error:
        raise CheckpointError(
            f"{header.path} holds {own_code(description)}, which fcmae does not import by itself: "
            f"{ways_out(header)}."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{header.path} holds {own_code(description)}, which cannot be rebuilt: {error}"
        ) from error


def _rebuilt(header: Header, channels: int | None, size: tuple[int, int] | None) -> nn.Module:
    """A new model of the header's description, once the file is known to hold its weights."""
    description = header.card.model
    of_timm = header.is_of_timm
    if not of_timm and sum(description["architecture"]["depths"]) > len(header.shapes):
        raise ValueError("it has more blocks than tensors")
    if not header.is_foreign:
        with torch.device("meta"):
            wanted = _shapes(rebuild(description))
        if found := differences(wanted, prefixed(header.shapes)):
            raise CheckpointError(f"{header.path} does not fit its own model: {some(found)}.")
    if of_timm:
        return new_model(header, channels=channels, size=size)
    if channels is not None:
        changed = {**description["architecture"], "channels": channels}
        description = {**description, "architecture": changed}
    return rebuild(description)


def load_into(
    model: nn.Module,
    source: Path | Header,
    *,
    without: Collection[str] = (),
    adapt: Rule | None = None,
) -> LoadReport:
    """Give a model the weights of a file: the encoder, and every other part that fits it whole.

    Parts are what stands before the first dot of a name: norm, head, decoder, norms. Where the
    blocks of a stage have another ``grn`` than the file's, its own parameters of it stay new.

    Args:
        model: An encoder, or a model that has one as ``encoder``.
        source: Weights of any model, or their header.
        without: Parts that stay as they are.
        adapt: How the stem becomes one for the model's number of channels, where that differs.

    Raises:
        CheckpointError: The file's encoder is another one; the message lists what differs.
    """
    header = encoder_alone(_header(source))
    if header.is_of_timm or timm_encoder_of(model) is not None:
        return _load_timm(model, header, without=without, adapt=adapt)
    wanted = _shapes(model)
    given = prefixed(header.shapes_here)
    channels, other = wanted[STEM][1], _other_response(model, header)
    adapted = ""
    if adapt is not None and STEM in given and given[STEM][1] != channels:
        adapted = f"{adapt} over {channels} channels"
        given[STEM] = (given[STEM][0], channels, *given[STEM][2:])
    refused = _refused(_kept(wanted, other), _kept(given, other), without)
    if "encoder" in refused:
        raise CheckpointError(f"{header.path} holds another encoder: {refused['encoder']}.")
    tensors = prefixed(read_finite(header))
    if adapt is not None and adapted:
        tensors[STEM] = adapt_stem(tensors[STEM], channels, adapt)
    taken = {n: x for n, x in _kept(tensors, other).items() if part_of(n) not in refused}
    prefix = PREFIX if isinstance(model, Encoder) else ""
    model.load_state_dict({n.removeprefix(prefix): x for n, x in taken.items()}, strict=False)
    return report_of(header, refused=refused, adapted=adapted, wanted=wanted, other_response=other)


def _load_timm(
    model: nn.Module, header: Header, *, without: Collection[str], adapt: Rule | None
) -> LoadReport:
    """Give a net of timm, which no other weights fit, its weights."""
    if not header.is_of_timm or timm_encoder_of(model) is None:
        raise CheckpointError(f"{header.path} holds another encoder: only one of them is timm's.")
    return give_weights(model, header, read_finite(header), without=without, adapt=adapt)


def _refused(wanted: Shapes, given: Shapes, without: Collection[str]) -> dict[str, str]:
    """The parts of a file that the model does not take, and why."""
    refused = dict.fromkeys(without, "the model has one of its own")
    for part in {part_of(name) for name in given} - set(refused):
        here = {name: shape for name, shape in wanted.items() if part_of(name) == part}
        there = {name: shape for name, shape in given.items() if part_of(name) == part}
        if not here:
            refused[part] = "the model has no such part"
        elif found := differences(here, there):
            refused[part] = some(found)
    return refused


def _other_response(model: nn.Module, header: Header) -> frozenset[int]:
    """The stages whose blocks have something else in GRN's place than those of the file."""
    there = architecture_from(header.card.model["architecture"])
    return encoder_of(model).architecture.grn.differs_in(there.grn)


def _kept(named: Mapping[str, Value], other_response: frozenset[int]) -> dict[str, Value]:
    """All that is named, less GRN or what stands in its place in stages where it is another one."""
    return {n: x for n, x in named.items() if not is_response(n, other_response)}


def _header(source: Path | Header) -> Header:
    return source if isinstance(source, Header) else read_header(source)


def _shapes(model: nn.Module) -> dict[str, Shape]:
    return prefixed(shapes_of(model))
