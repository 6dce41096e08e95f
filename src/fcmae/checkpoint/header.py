"""What a weights file says about itself, read without PyTorch and without its tensors."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.errors import CheckpointError

WEIGHTS = "weights.safetensors"
KEY = "fcmae"
MAX_HEADER = 100_000_000
PICKLED = (".pt", ".pth", ".ckpt", ".bin", ".pkl")

Card = dict[str, Any]
"""What is known about weights: ``model`` (its description) and how they came about."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first bytes of a weights file.

    Attributes:
        path: The file.
        card: What fcmae wrote about the weights.
        shapes: Shape of each tensor by name.
    """

    path: Path
    card: Card
    shapes: dict[str, tuple[int, ...]]


def read_card(path: Path) -> Card:
    """What is known about the weights in a file or in a run's folder."""
    return read_header(path).card


def read_header(path: Path) -> Header:
    """Read and check the header of a weights file or of a run's folder.

    Raises:
        CheckpointError: There is no such file, or it is not whole, or not one of fcmae.
    """
    path = weights_file(path)
    content = _parse(path)
    metadata = content.pop("__metadata__", {})
    if KEY not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file without the card that fcmae writes into its own: "
            "weights of other libraries can be imported in a later release."
        )
    try:
        card = json.loads(metadata[KEY])
        shapes = {name: tuple(entry["shape"]) for name, entry in content.items()}
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"the header of {path} is damaged: copy the file anew from where it came from, or give "
            "the command of its run again, which writes it anew."
        ) from error
    return Header(path=path, card=card, shapes=shapes)


def weights_file(path: Path) -> Path:
    """The weights file that a path means: itself, or the one in a run's folder."""
    if path.is_dir():
        if not (path / WEIGHTS).is_file():
            raise CheckpointError(
                f"{path} holds no {WEIGHTS}, which a run writes when it finishes: finish the run "
                "by giving its command again, or give another folder or file."
            )
        return path / WEIGHTS
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise CheckpointError(f"{path} {what}: give the folder of a run or a .safetensors file.")
    if path.suffix.lower() in PICKLED:
        raise CheckpointError(
            f"{path} looks like a pickled PyTorch file. fcmae reads safetensors only; the import "
            "of .pt and .pth files comes with a later release."
        )
    return path


def _parse(path: Path) -> dict[str, Any]:
    """The JSON at the beginning of a safetensors file, its sizes held against the file's."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= MAX_HEADER:
                raise CheckpointError(f"{path} is not a safetensors file.")
            if 8 + length > size:
                raise CheckpointError(f"{path} is truncated, or not a safetensors file.")
            content = json.loads(file.read(length))
        ends = [v["data_offsets"][1] for k, v in content.items() if k != "__metadata__"]
        end = 8 + length + max(ends, default=0)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CheckpointError(f"{path} is not a safetensors file.") from error
    if end != size:
        what = "truncated" if end > size else "longer than its header says"
        raise CheckpointError(f"{path} is {what}: {size:,} bytes instead of {end:,}.")
    return dict(content)
