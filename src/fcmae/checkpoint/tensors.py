"""Named tensors in safetensors files: written durably, read back, and checked."""

import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fcmae.errors import StorageError
from fcmae.files.durable import sync_file

Tensors = Mapping[str, Tensor]

SUFFIX = ".safetensors"


def num_bytes(tensors: Tensors) -> int:
    """Size of the file that would hold these tensors, to within its header."""
    return sum(x.numel() * x.element_size() for x in tensors.values())


def write_tensors(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> None:
    """Write tensors, wait for the disk, read them back and compare.

    Raises:
        StorageError: What stands in the file is not what was written.
    """
    ready = _apart({name: x.detach().cpu().contiguous() for name, x in tensors.items()})
    # Made here so that it gets the user's file mode: safetensors would make it 0600.
    path.open("wb").close()
    mode = path.stat().st_mode
    try:
        save_file(ready, path, metadata)
    except SafetensorError as error:
        raise OSError(_errno(str(error)), str(error), str(path)) from error
    path.chmod(mode)
    sync_file(path)
    for name, written in read_tensors(path):
        if not torch.equal(written, ready[name]):
            raise StorageError(f"{path} does not hold what was written to it: the disk is faulty.")


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with memory of their own, which the format asks for; tied weights share it."""
    seen: set[int] = set()
    apart = {}
    for name, x in tensors.items():
        place = x.untyped_storage().data_ptr()
        apart[name] = x.clone() if place in seen else x
        seen.add(place)
    return apart


def read_tensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a file, one after the other, on the CPU."""
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a mapping
            yield name, file.get_tensor(name)


def non_finite(tensors: Tensors) -> list[str]:
    """Names of the tensors that hold NaN or infinity."""
    return [name for name, x in tensors.items() if not is_finite(x)]


def is_finite(x: Tensor) -> bool:
    """True if a tensor is free of NaN and infinity."""
    return not x.is_floating_point() or bool(torch.isfinite(x).all())


def _errno(text: str) -> int:
    """The system's error number behind a message of safetensors."""
    known = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)
    return next((code for code in known if os.strerror(code) in text), errno.EIO)
