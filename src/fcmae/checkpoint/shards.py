"""Tensors in pieces: each process writes the rows it holds, and any other reads those it needs.

A shard is a safetensors file of pieces. Its header tells where the rows of each begin and how many
the whole tensor has, so that as many processes as there are can put them together anew.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from fcmae.checkpoint.tensors import SUFFIX, write_tensors
from fcmae.errors import CheckpointError

KEY = "rows"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some rows of a tensor: a slice along its first axis.

    Attributes:
        rows: The slice.
        start: Row of the whole tensor that it begins with.
        total: Rows of the whole tensor.
    """

    rows: Tensor
    start: int
    total: int


TensorPieces = Mapping[str, Tensor | Piece]
"""Tensors by name, each whole or in part."""


def shard_name(part: str, number: int, of: int) -> str:
    """Name of the file with a process's pieces of a part of a checkpoint."""
    return f"{part}-{number + 1:05d}-of-{of:05d}{SUFFIX}"


def write_shard(path: Path, pieces: TensorPieces) -> None:
    """Write pieces, wait for the disk, read them back and compare."""
    tensors = {name: x.rows if isinstance(x, Piece) else x for name, x in pieces.items()}
    places = {name: (x.start, x.total) for name, x in pieces.items() if isinstance(x, Piece)}
    write_tensors(path, tensors, {KEY: json.dumps(places)})


class Reader:
    """The tensors of a part of a checkpoint, wherever their rows lie.

    Args:
        files: One file of whole tensors, or the shards.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._places: dict[str, list[_Place]] = {}
        for path in files:
            for name, place in _places(path):
                self._places.setdefault(name, []).append(place)
        for name, places in self._places.items():
            places.sort(key=lambda place: place.start)
            _check_complete(name, places)

    @property
    def names(self) -> list[str]:
        """Names of the tensors."""
        return list(self._places)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a whole tensor."""
        place = self._places[name][0]
        return place.shape and (place.total, *place.shape[1:])

    def read(self, name: str, rows: tuple[int, int] | None = None) -> Tensor:
        """A tensor on the CPU, or those of its rows that are asked for.

        Args:
            name: Its name.
            rows: First row and the one after the last.
        """
        places = self._places[name]
        if rows is None and len(places) == 1:
            return places[0].whole(name)
        start, stop = rows or (0, places[0].total)
        found = [
            place.rows(name, max(start, place.start), min(stop, place.stop))
            for place in places
            if max(start, place.start) < min(stop, place.stop)
        ]
        return torch.cat(found) if found else places[0].rows(name, places[0].start, places[0].start)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Place of some rows of a tensor, and their shape."""

    path: Path
    shape: tuple[int, ...]
    start: int
    stop: int
    total: int

    def whole(self, name: str) -> Tensor:
        """All that the file has of the tensor."""
        with safe_open(self.path, framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def rows(self, name: str, start: int, stop: int) -> Tensor:
        """Rows by their numbers in the whole tensor."""
        with safe_open(self.path, framework="pt") as file:
            rows: Tensor = file.get_slice(name)[start - self.start : stop - self.start]
        return rows


def _places(path: Path) -> Iterator[tuple[str, _Place]]:
    with safe_open(path, framework="pt") as file:
        places: dict[str, Any] = json.loads((file.metadata() or {}).get(KEY, "{}"))
        for name in file.keys():  # noqa: SIM118 - not a mapping
            shape = tuple(file.get_slice(name).get_shape())
            here = shape[0] if shape else 1
            start, total = places.get(name, (0, here))
            yield (
                name,
                _Place(path=path, shape=shape, start=start, stop=start + here, total=total),
            )


def _check_complete(name: str, places: Sequence[_Place]) -> None:
    """Every row has to be there once."""
    ends = [0, *(place.stop for place in places)]
    if [place.start for place in places] != ends[:-1] or ends[-1] != places[0].total:
        raise CheckpointError(
            f"{places[0].path.parent} does not hold every row of {name} once: it was put together "
            "from shards of different checkpoints. Remove it to go on from the one before."
        )
