"""The archives that ``torch.save`` writes: a zip of a pickle and the bytes of each storage.

Directory, sizes and pickle are checked before anything is read, and nothing in them is run: this
is a reader of its own, without ``torch.load``.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.checkpoint.pickle_globals import STORAGES, PickledTensor, PickleRefusedError, Storage
from fcmae.checkpoint.pickles import MAX_BYTES, read_pickle
from fcmae.errors import CheckpointError

SIGNATURE = b"PK\x03\x04"
MAX_READ = 2 * 2**20
"""Bytes that are read at once, so of the longest zip directory too: some 20,000 members."""
MAX_PREFIX = 100
"""Characters of the names of dictionaries around a tensor."""
DAMAGED = (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, EOFError)


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Contents of a file of ``torch.save``.

    Attributes:
        tensors: Every tensor by its name, with those of the dictionaries around it in front.
        facts: Plain values that our own exports put beside the weights.
        root: Folder that all members of the archive are in.
    """

    tensors: dict[str, PickledTensor]
    facts: dict[str, Any]
    root: str


def read_archive(path: Path) -> Archive:
    """Check an archive and read its pickle, but no tensor.

    Raises:
        CheckpointError: It is not whole, or not of tensors only.
    """
    with opened(path) as archive:
        root = _check_members(archive, path)
        try:
            found = read_pickle(archive.read(f"{root}/data.pkl"))
        except PickleRefusedError as error:
            raise CheckpointError(
                f"{path} was not read: its pickle {error}. Weights are read as tensors only, and "
                "nothing in a file is run: save the state_dict() of the model alone."
            ) from error
        if not isinstance(found, dict):
            raise CheckpointError(
                f"{path} does not hold a dictionary of tensors: save the state_dict() of the model."
            )
        tensors = dict(_tensors(found))
        for name, x in tensors.items():
            _check_storage(archive, path, root, name, x.storage)
    facts = found.get("facts")
    return Archive(tensors=tensors, facts=facts if isinstance(facts, dict) else {}, root=root)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip file, whose damages are told in the user's words."""
    try:
        with _Bounded(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except DAMAGED as error:
        raise CheckpointError(f"{path} is damaged: {error}.") from error
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}.") from error


class _Bounded(io.BufferedReader):
    """A file that refuses to be read in pieces larger than a zip directory may be."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_READ:
            raise ValueError("its directory is larger than that of any weights")
        return super().read(size)


def _check_members(archive: zipfile.ZipFile, path: Path) -> str:
    """Refuse an archive that ``torch.save`` did not write; give back its one folder."""
    members = archive.infolist()
    names = [member.filename for member in members]
    roots = {name.partition("/")[0] for name in names}
    root = names[0].partition("/")[0] if names else ""
    if f"{root}/constants.pkl" in names or any(n.startswith(f"{root}/code/") for n in names):
        raise CheckpointError(
            f"{path} is a TorchScript program, not weights: save the state_dict() of its model."
        )
    if len(roots) != 1 or f"{root}/data.pkl" not in names:
        raise CheckpointError(
            f"{path} is an archive, but not one of torch.save: it has no data.pkl in one folder."
        )
    if len(set(names)) != len(names) or any(".." in name.split("/") for name in names):
        raise CheckpointError(f"{path} is not an archive of torch.save: its names are not its own.")
    if any(
        member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members
    ):
        raise CheckpointError(f"{path} is packed or encrypted, which torch.save never does.")
    if archive.getinfo(f"{root}/data.pkl").file_size > MAX_BYTES:
        raise CheckpointError(f"{path} was not read: its pickle is longer than any weights need.")
    order = archive.getinfo(f"{root}/byteorder") if f"{root}/byteorder" in names else None
    if order is not None and (order.file_size > 16 or archive.read(order) != b"little"):
        raise CheckpointError(
            f"{path} was written on a big-endian machine, which is not supported."
        )
    return root


def _check_storage(
    archive: zipfile.ZipFile, path: Path, root: str, name: str, storage: Storage
) -> None:
    need = storage.count * STORAGES[storage.kind][1]
    member = archive.NameToInfo.get(f"{root}/data/{storage.key}")
    if member is None or member.file_size != need or member.compress_size != need:
        have = "none" if member is None else f"{member.file_size:,}"
        raise CheckpointError(
            f"{path} is damaged: the numbers of {name[:80]} need {need:,} bytes, but it has {have}."
        )


def _tensors(found: dict[str, Any]) -> Iterator[tuple[str, PickledTensor]]:
    """The tensors of nested dictionaries, each of which is looked through once."""
    seen, waiting = {id(found)}, [("", found)]
    for prefix, entries in waiting:
        for key, value in entries.items():
            if isinstance(value, PickledTensor):
                yield prefix + key, value
            elif isinstance(value, dict) and id(value) not in seen and len(prefix) < MAX_PREFIX:
                seen.add(id(value))
                waiting.append((f"{prefix}{key[:MAX_PREFIX]}.", value))
