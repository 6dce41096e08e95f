"""The names of classes: one per line, in the order of their numbers."""

from collections import Counter
from pathlib import Path

from fcmae.data.naming import shown
from fcmae.errors import DataError

MAX_BYTES = 1_000_000


def read_classes(file: Path) -> tuple[str, ...]:
    """Line ``k`` names class ``k``, from 0; empty lines at the end do not count.

    Raises:
        DataError: The file cannot be read, or a name is missing or appears twice.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise DataError(f"{shown(file)} is too large to be a list of classes.")
        lines = file.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except OSError as error:
        raise DataError(f"{shown(file)} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(file)} is not text in UTF-8.") from error
    return checked_classes([line.strip() for line in lines], shown(file))


def checked_classes(names: list[str], where: str) -> tuple[str, ...]:
    """The names, if there are two or more, none of them empty and each there once."""
    if "" in names:
        raise DataError(f"{where}, line {names.index('') + 1}: a class without a name.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{where} names the class {twice[0]} twice.")
    if len(names) < 2:
        raise DataError(f"{where} names {len(names)} classes, but two is the least.")
    return tuple(names)
