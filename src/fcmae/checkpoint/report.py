"""What became of every tensor of a weights file."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

How = Literal["taken", "renamed", "reshaped", "adapted", "dropped"]


@dataclass(frozen=True, kw_only=True)
class Entry:
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
class Report:
    """What became of every tensor.

    Attributes:
        format: The format of the file.
        entries: All tensors of the file.
        new: The model's tensors that the file did not give, which are newly drawn.
    """

    format: str
    entries: list[Entry]
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


def _several(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
