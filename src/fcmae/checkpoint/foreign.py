"""The tensors of files that other libraries wrote, by our names and in our shapes."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from fcmae.checkpoint.archive import SIGNATURE, opened, read_archive
from fcmae.checkpoint.header import Header
from fcmae.checkpoint.pickle_globals import STORAGES, PickledTensor
from fcmae.checkpoint.tensors import read_tensors
from fcmae.errors import CheckpointError
from fcmae.files.durable import CHUNK


def tensors_of(header: Header) -> dict[str, Tensor]:
    """All tensors that a file's header promises, by our names, floating point in float32.

    Raises:
        CheckpointError: The file's numbers are of a type that weights cannot have.
    """
    if header.net is not None:
        whole = dict(_wanted(header.path, set(header.shapes)))
        return {n: x.float() if x.is_floating_point() else x for n, x in whole.items()}
    if header.recognised is None:
        prefix = header.prefix
        return {
            name.removeprefix(prefix): x
            for name, x in read_tensors(header.path)
            if name.startswith(prefix)
        }
    wanted = {header.recognised.prefix + move.theirs for move in header.recognised.moves}
    theirs = dict(_wanted(header.path, wanted))
    if strange := [name for name, x in theirs.items() if not x.is_floating_point()]:
        raise CheckpointError(f"{header.path} holds whole numbers in {strange[0]}.")
    return {
        name: x.to(torch.float32).contiguous()
        for name, x in header.recognised.to_ours(theirs).items()
    }


def _wanted(path: Path, names: set[str]) -> Iterator[tuple[str, Tensor]]:
    with path.open("rb") as file:
        packed = file.read(len(SIGNATURE)) == SIGNATURE
    if packed:
        yield from _unpacked(path, names)
    else:
        yield from ((name, x) for name, x in read_tensors(path) if name in names)


def _unpacked(path: Path, names: set[str]) -> Iterator[tuple[str, Tensor]]:
    """Tensors of an archive of ``torch.save``; its checksums are held against every byte."""
    archive = read_archive(path)
    with opened(path) as members:
        for name in names:
            x = archive.tensors[name]
            kind, width = STORAGES[x.storage.kind]
            numbers = torch.empty(x.storage.count * width, dtype=torch.uint8)
            with members.open(f"{archive.root}/data/{x.storage.key}") as member:
                for start in range(0, len(numbers), CHUNK):
                    part = member.read(min(CHUNK, len(numbers) - start))
                    numbers[start : start + len(part)] = torch.frombuffer(
                        bytearray(part), dtype=torch.uint8
                    )
                member.read(1)  # at the end, where the checksum is compared
            yield name, _view(numbers, kind, x)


def _view(numbers: Tensor, kind: str, x: PickledTensor) -> Tensor:
    whole = numbers.view(getattr(torch, kind))
    seen = whole.as_strided(x.shape, x.stride, x.offset)
    return seen if seen.numel() == whole.numel() else seen.clone()
