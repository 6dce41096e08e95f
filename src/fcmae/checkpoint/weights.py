"""Weights for use: one safetensors file that says which model it is, and the way back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor, nn

from fcmae.checkpoint import durable
from fcmae.checkpoint.header import KEY, Card, Header, read_header
from fcmae.checkpoint.tensors import (
    Tensors,
    is_finite,
    non_finite,
    num_bytes,
    read_tensors,
    write_tensors,
)
from fcmae.errors import CheckpointError, NonFiniteError
from fcmae.model.build import describe, rebuild
from fcmae.model.encoder import Encoder

FORMAT = 1
PREFIX = "encoder."


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of the weights in a file.

    Attributes:
        taken: The model's tensors that were loaded.
        missing: The model's other tensors, which are as they were.
        unexpected: The file's tensors that the model has no place for.
    """

    taken: list[str]
    missing: list[str]
    unexpected: list[str]


def save_weights(
    path: Path, model: nn.Module, card: Mapping[str, Any], tensors: Tensors | None = None
) -> None:
    """Write a model's weights into one file, durably.

    Args:
        path: The file, ``.safetensors``.
        model: Says what is in the file.
        card: Further facts for the reader, JSON.
        tensors: The weights; the model's own by default.
    """
    tensors = model.state_dict() if tensors is None else tensors
    if bad := non_finite(tensors):
        raise NonFiniteError(f"{path} was not written: {bad[0]} holds NaN or infinity.")
    staged = path.with_name(f".staging-{path.name}")
    with durable.storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.check_space(path.parent, num_bytes(tensors))
        try:
            write_tensors(staged, tensors, metadata(model, card))
            durable.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def metadata(model: nn.Module, card: Mapping[str, Any]) -> dict[str, str]:
    """What a weights file will say about itself.

    Raises:
        TypeError: The model is not one of fcmae, or the card is not JSON.
    """
    content = {"format": FORMAT, "model": describe(model), **card}
    return {KEY: json.dumps(content, allow_nan=False)}


def load_model(path: Path) -> tuple[nn.Module, Card]:
    """The model in a file or a run's folder, in evaluation mode on the CPU, and its card.

    Raises:
        CheckpointError: The file is not whole, or not one that this version can rebuild.
    """
    header = read_header(path)
    try:
        model = rebuild(header.card["model"])
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"the model in {header.path} needs another version of fcmae: {error}"
        ) from error
    wanted = {name: tuple(x.shape) for name, x in model.state_dict().items()}
    if differences := _differences(wanted, header.shapes):
        raise CheckpointError(f"{header.path} does not fit its own model: {_list(differences)}.")
    model.load_state_dict(_finite_tensors(header))
    return model.eval(), header.card


def load_encoder_into(model: nn.Module, path: Path) -> Taken:
    """Give a model's encoder the weights of the encoder in a file or a run's folder.

    Args:
        model: An encoder, or a model that has one as ``encoder``.
        path: Weights of any model of fcmae.

    Raises:
        CheckpointError: The file's encoder is another one; the message lists what differs.
    """
    header = read_header(path)
    encoder = model if isinstance(model, Encoder) else model.get_submodule("encoder")
    inside = {name: x for name, x in header.shapes.items() if name.startswith(PREFIX)}
    prefix = PREFIX if inside else ""
    names = {name: name.removeprefix(prefix) for name in inside or header.shapes}
    wanted = {name: tuple(x.shape) for name, x in encoder.state_dict().items()}
    if differences := _differences(wanted, {names[n]: header.shapes[n] for n in names}):
        raise CheckpointError(f"{header.path} holds another encoder: {_list(differences)}.")

    tensors = _finite_tensors(header)
    encoder.load_state_dict({short: tensors[name] for name, short in names.items()})
    within = "" if encoder is model else PREFIX
    taken = [within + name for name in wanted]
    return Taken(
        taken=taken,
        missing=[name for name in model.state_dict() if name not in set(taken)],
        unexpected=[name for name in header.shapes if name not in names],
    )


def _finite_tensors(header: Header) -> dict[str, Tensor]:
    try:
        tensors = dict(read_tensors(header.path))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{header.path} cannot be read: {error}") from error
    if bad := [name for name, x in tensors.items() if not is_finite(x)]:
        raise CheckpointError(f"{header.path} holds NaN or infinity in {_list(bad)}.")
    return tensors


def _differences(
    wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]]
) -> list[str]:
    """How the tensors of a file differ from those of a model, in words."""
    missing = [f"{name} is missing" for name in wanted if name not in given]
    extra = [f"{name} is not in the model" for name in given if name not in wanted]
    other = [
        f"{name} has shape {list(given[name])} instead of {list(shape)}"
        for name, shape in wanted.items()
        if name in given and given[name] != shape
    ]
    return other + missing + extra


def _list(entries: list[str], most: int = 5) -> str:
    more = f", and {len(entries) - most} more" if len(entries) > most else ""
    return ", ".join(entries[:most]) + more
