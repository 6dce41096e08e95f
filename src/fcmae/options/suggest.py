"""The name that a user probably meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, names: Iterable[str], *, prefix: str = "") -> str:
    """`` Did you mean NAME?`` for the closest of the names, or nothing where none is close.

    A dotted name is also found by its last part alone: ``epochs`` is ``optim.epochs``. Of names
    with one last part the first is meant.
    """
    by_spelling: dict[str, str] = {}
    for full in names:
        for spelling in (full.rpartition(".")[2], full):
            by_spelling.setdefault(spelling, full)
    close = difflib.get_close_matches(name, by_spelling, n=1, cutoff=0.6)
    return f" Did you mean {prefix}{by_spelling[close[0]]}?" if close else ""
