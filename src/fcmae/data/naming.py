"""Paths as they are shown to people: on one line, printable, whatever bytes a name holds."""

import os
from pathlib import Path


def shown(path: str | os.PathLike[str]) -> str:
    """The path with control characters and undecodable bytes written as escapes."""
    text = Path(path).as_posix()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
