"""Paths as they are shown to people, and names for what is written about files."""

import os
from collections.abc import Sequence
from pathlib import Path


def shown(path: str | os.PathLike[str]) -> str:
    """The path on one line, with control characters and undecodable bytes as escapes."""
    text = Path(path).as_posix()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def distinct_stems(names: Sequence[str]) -> list[str]:
    """Gives each of several files a distinct name without folder and ending.

    If any two would have one name, also where case is ignored, all have their number before it.
    """
    stems = [Path(name).stem for name in names]
    if len({stem.casefold() for stem in stems}) == len(stems):
        return stems
    return [f"{number:05}-{stem}" for number, stem in enumerate(stems, start=1)]
