"""Reads a weights file's metadata without PyTorch and without its tensors."""

import json
import math
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fcmae.checkpoint.archive import SIGNATURE, read_archive
from fcmae.checkpoint.card import Card
from fcmae.checkpoint.formats.form import Shape
from fcmae.checkpoint.formats.recognise import Recognised, recognise
from fcmae.checkpoint.pickle_globals import MAX_AXES
from fcmae.checkpoint.sidecar import read_sidecar, sidecar_net
from fcmae.errors import CheckpointError
from fcmae.model.timm_options import TimmArchitecture

WEIGHTS = "weights.safetensors"
OTHERS = ("model.safetensors", "pytorch_model.bin")
"""Weights in folders that other libraries, and our exports, make."""
KEY = "fcmae"
MAX_HEADER = 2 * 2**20
"""Bytes of the longest header that is read: that of some 15,000 tensors."""
PICKLE, TAR = b"\x80", b"ustar"
MAX_TEXT = 300


@dataclass(frozen=True, kw_only=True)
class Header:
    """Metadata of a weights file, known before its tensors are read.

    Attributes:
        path: The file.
        card: What is known about the weights.
        shapes: Shape of each tensor by its name in the file.
        recognised: How to read the file of another library; None for one of fcmae.
        net: The net of timm that a file of timm holds, where it is not translated into ours.
        prefix: Where the names of the file begin that count; they stand without it in ``shapes``.
    """

    path: Path
    card: Card
    shapes: dict[str, Shape]
    recognised: Recognised | None = None
    net: TimmArchitecture | None = None
    prefix: str = ""

    @property
    def is_foreign(self) -> bool:
        """True if another library wrote the file."""
        return self.recognised is not None or self.net is not None

    @property
    def is_of_timm(self) -> bool:
        """True if the model is a net of timm, trained here or there."""
        return self.card.is_of_timm

    @property
    def shapes_here(self) -> dict[str, Shape]:
        """Shape of each tensor that is used, by our name for it."""
        if self.recognised is None:
            return self.shapes
        return self.recognised.shapes


def read_card(path: Path) -> Card:
    """Reads the card of the weights in a file or in a run's folder."""
    return read_header(path).card


def read_header(path: Path, *, part: str = "", net: TimmArchitecture | None = None) -> Header:
    """Read and check what a weights file, or a run's folder, says about its tensors.

    Args:
        path: A file of fcmae, or of another library in a form that is known.
        part: Which of several nets in the file, by the start of its names.
        net: The net of timm that a file of timm is known to hold.

    Raises:
        CheckpointError: There is no such file, or it is not whole, or of no known form.
    """
    path = weights_file(path)
    if _begins(path).startswith(SIGNATURE):
        archive = read_archive(path)
        shapes = {name: x.shape for name, x in archive.tensors.items()}
        return _foreign(path, shapes, archive.facts, part, net)
    content = _parse(path)
    metadata = content.pop("__metadata__", {})
    try:
        shapes = {name: _shape(entry["shape"]) for name, entry in content.items()}
        if KEY in metadata:
            return Header(path=path, card=_card(path, json.loads(metadata[KEY])), shapes=shapes)
        facts = {key: _json(text) for key, text in metadata.items()}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"the header of {path} is damaged: copy the file anew from where it came from, or give "
            "the command of its run again, which writes it anew."
        ) from error
    return _foreign(path, shapes, facts, part, net)


def weights_file(path: Path) -> Path:
    """The weights file that a path means: itself, or the one in a folder."""
    if path.is_dir():
        for name in (WEIGHTS, *OTHERS):
            if (path / name).is_file():
                return path / name
        raise CheckpointError(
            f"{path} holds no {WEIGHTS}, which a run writes when it finishes: finish the run "
            "by giving its command again, or give another folder or file."
        )
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise CheckpointError(
            f"{path} {what}: give the folder of a run, a file of weights, or the name of published "
            "ones, such as timm:convnextv2_tiny.fcmae."
        )
    return path


def _card(path: Path, content: Any) -> Card:
    """The card of a file of fcmae, every field of which is as it can be."""
    try:
        return Card.from_json(content)
    except ValueError as error:
        raise CheckpointError(
            f"the card of {path} is damaged, or needs another version of fcmae: {error}."
        ) from error


def _foreign(
    path: Path,
    shapes: dict[str, Shape],
    facts: Mapping[str, Any],
    part: str,
    net: TimmArchitecture | None,
) -> Header:
    """The header of a file of another library."""
    if strange := [name for name in shapes if not _is_text(name)]:
        raise CheckpointError(f"{path} has a tensor whose name is not text: {strange[0][:50]!r}.")
    if net is not None:
        return _of_timm(path, shapes, net)
    inside = {n: s for n, s in shapes.items() if not part or n.startswith(f"{part}.")}
    try:
        recognised = recognise(inside, what=str(path))
    except CheckpointError:
        if (net := sidecar_net(path)) is None:
            raise
        return _of_timm(path, shapes, net)
    contents = recognised.contents
    known = {**read_sidecar(path), **facts}
    valid = _known(known, contents.architecture.channels, contents.num_classes or 0)
    card = Card.from_json({"model": contents.description(), **valid})
    others = {name: f"not in the part {part}" for name in shapes if name not in inside}
    return Header(path=path, card=card, shapes=shapes, recognised=recognised.without(others))


def _of_timm(path: Path, shapes: dict[str, Shape], net: TimmArchitecture) -> Header:
    """The header of a file of timm whose net stays timm's."""
    from fcmae.checkpoint.timm_names import num_classes

    classes = num_classes(net.timm, shapes)
    model: dict[str, Any] = {"kind": "encoder", "architecture": asdict(net)}
    if classes is not None:
        model |= {"kind": "classifier", "num_classes": classes}
    known = _known(read_sidecar(path), net.channels, classes or 0)
    card = Card.from_json({"model": model, **known})
    return Header(path=path, card=card, shapes=shapes, net=net)


def _known(facts: Mapping[str, Any], channels: int, num_classes: int) -> dict[str, Any]:
    """Metadata that our exports write beside the weights, as far as it is valid."""
    checks = {
        "classes": _are(facts.get("classes"), num_classes, str),
        "size": _are(facts.get("size"), 2, int) and min(facts["size"]) > 0,
        "mean": _are(facts.get("mean"), channels, float),
        "std": _are(facts.get("std"), channels, float) and min(facts["std"]) > 0,
        "licence": _is_text(facts.get("licence")),
        "lineage": _is_lineage(facts.get("lineage")),
    }
    valid = {name: facts[name] for name, holds in checks.items() if holds}
    return valid | ({"classes": _distinct(valid["classes"])} if "classes" in valid else {})


def _distinct(classes: Sequence[str]) -> list[str]:
    """The names of classes, with its number after each that several classes have."""
    count = Counter(classes)
    return [f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(classes)]


def _are(values: Any, count: int, kind: type) -> bool:
    """True if something is a list of so many finite values of a kind."""
    if not isinstance(values, (list, tuple)) or not len(values) == count > 0:
        return False
    if kind is str:
        return all(map(_is_text, values))
    return all(type(x) is kind and isinstance(x, (int, float)) and math.isfinite(x) for x in values)


def _is_text(value: Any) -> bool:
    """True if something can be shown on a line."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def _is_lineage(value: Any) -> bool:
    """True if something tells where weights come from."""
    return isinstance(value, list) and all(
        isinstance(entry, dict) and all(x is None or _is_text(x) for x in entry.values())
        for entry in value
    )


def _shape(value: Any) -> Shape:
    if len(value) > MAX_AXES or any(type(x) is not int or x < 0 for x in value):
        raise ValueError("not a shape")
    return tuple(value)


def _json(text: Any) -> Any:
    """The value that a text of the metadata stands for; the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def _begins(path: Path) -> bytes:
    """The first bytes of a file, of which some forms are refused at once."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}.") from error
    if (start.startswith(PICKLE) and start[8:9] != b"{") or start[257:262] == TAR:
        raise CheckpointError(
            f"{path} was not read: it is a bare pickle or a file of PyTorch before 1.6, which "
            "cannot be read without running it. Load it where you trust it, and save its "
            "state_dict() anew."
        )
    return start


def _parse(path: Path) -> dict[str, Any]:
    """The JSON at the beginning of a safetensors file, its sizes held against the file's."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= MAX_HEADER:
                raise CheckpointError(f"{path} is not a safetensors file, nor one of torch.save.")
            if 8 + length > size:
                raise CheckpointError(f"{path} is truncated, or not a safetensors file.")
            content = dict(json.loads(file.read(length)))
        entries = [entry for name, entry in content.items() if name != "__metadata__"]
        end = 8 + length + max((entry["data_offsets"][1] for entry in entries), default=0)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}.") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a safetensors file.") from error
    if end != size:
        what = "truncated" if end > size else "longer than its header says"
        raise CheckpointError(f"{path} is {what}: {size:,} bytes instead of {end:,}.")
    return content
