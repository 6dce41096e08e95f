"""Reports the fate of every tensor of a weights file."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from fcmae.checkpoint.header import Header

PREFIX = "encoder."
STEM = "encoder.stem.weight"
RESPONSE = re.compile(r"encoder\.stages\.(\d+)\.\d+\.grn\.")

How = Literal["taken", "renamed", "reshaped", "adapted", "dropped"]
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class TensorEntry:
    """One tensor of a file.

    Attributes:
        name: Its name there.
        how: Taken as it is, under another name, in another shape (and perhaps name), changed to
            fit, or dropped.
        here: Its name in the model; empty if dropped.
        why: The reason for dropping or changing it.
    """

    name: str
    how: How
    here: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """Fate of every tensor: taken, renamed, reshaped, adapted or dropped.

    Attributes:
        format: The format of the file.
        entries: All tensors of the file.
        new: The model's tensors that the file did not give, which are newly drawn.
    """

    format: str
    entries: list[TensorEntry]
    new: list[str]

    def names(self, *how: How) -> list[str]:
        """The file's names of the tensors that this became of."""
        return [entry.name for entry in self.entries if entry.how in how]

    def lines(self) -> list[str]:
        """A short table: how many of each kind, and what was dropped or is new, by reason."""
        counts = Counter(entry.how for entry in self.entries)
        told = [f"{count} {how}" for how, count in sorted(counts.items(), key=lambda x: -x[1])]
        lines = [f"format {self.format}: {', '.join(told)}"]
        reasons: dict[tuple[str, str], list[str]] = {}
        for entry in self.entries:
            if entry.why:
                reasons.setdefault((entry.how, entry.why), []).append(entry.name)
        lines += [f"{how}: {_several(names)} ({why})" for (how, why), names in reasons.items()]
        return [*lines, f"new: {_several(self.new)}"] if self.new else lines


def report_of(
    header: Header,
    *,
    refused: Mapping[str, str] | None = None,
    adapted: str = "",
    wanted: Iterable[str] = (),
    other_response: Collection[int] = (),
) -> LoadReport:
    """Reports the fate of each tensor of a file.

    Args:
        header: The file.
        refused: Parts that are not taken, with the reason.
        adapted: How the stem is changed.
        wanted: All tensors of the model.
        other_response: Stages, from 1, where the model has something else in GRN's place.
    """
    entries = _entries(header, refused or {}, adapted, other_response)
    filled = {entry.here for entry in entries}
    return LoadReport(
        format=header.recognised.format.name if header.recognised else "fcmae",
        entries=entries,
        new=[name for name in wanted if name not in filled],
    )


def prefixed(named: Mapping[str, Value]) -> dict[str, Value]:
    """The names of a bare encoder as those of the encoder of a model."""
    if any(name.startswith(PREFIX) for name in named):
        return dict(named)
    return {PREFIX + name: value for name, value in named.items()}


def part_of(name: str) -> str:
    """The part of a model that a tensor belongs to."""
    return name.partition(".")[0]


def is_response(name: str, stages: Collection[int]) -> bool:
    """True if a tensor is of GRN, or of what stands in its place, in some stages (from 1)."""
    found = RESPONSE.match(name)
    return found is not None and int(found[1]) + 1 in stages


def _entries(
    header: Header, refused: Mapping[str, str], adapted: str, other_response: Collection[int]
) -> list[TensorEntry]:
    """Lists the fate of every tensor of the file."""
    found = header.recognised
    if found is None:
        ways = list(zip(header.shapes, prefixed(header.shapes), strict=True))
    else:
        ways = [(found.prefix + move.theirs, move.ours) for move in found.moves]
    entries = []
    for there, here in ways:
        how: How = "taken" if there in (here, here.removeprefix(PREFIX)) else "renamed"
        if found is not None and header.shapes[there] != found.shapes[here]:
            how = "reshaped"
        if part_of(here) in refused:
            entries.append(TensorEntry(name=there, how="dropped", why=refused[part_of(here)]))
        elif is_response(here, other_response):
            entries.append(TensorEntry(name=there, how="dropped", why="grn is another one here"))
        elif here == STEM and adapted:
            entries.append(TensorEntry(name=there, how="adapted", here=here, why=adapted))
        else:
            entries.append(TensorEntry(name=there, how=how, here=here))
    dropped = {} if found is None else found.dropped
    return entries + [
        TensorEntry(name=name, how="dropped", why=why) for name, why in dropped.items()
    ]


def _several(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
