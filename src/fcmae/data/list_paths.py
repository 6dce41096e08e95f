"""From the cells of a list to the files that they name.

Paths are relative to the list. Where they do not exist as they are written, these are tried: with /
for the \\ of Windows, and, for names without folder or ending, the one file below the list that is
called so.
"""

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from fcmae.data.image_list import ImageList
from fcmae.data.list_rows import FIRST, exists
from fcmae.data.naming import shown
from fcmae.data.walk import walk
from fcmae.errors import DataError


def images_at(source: Path, paths: list[str]) -> ImageList:
    """The images that a list names, with a note where they are found by another rule.

    Args:
        source: The list.
        paths: What it names, in its order.

    Raises:
        DataError: None of the first ones exists, or a name may mean two files.
    """
    if not paths:
        raise DataError(f"the list {shown(source)} names no images.")
    found, notes = _found(source, paths)
    names = [os.fsencode(Path(path).as_posix()) for path in found]
    return ImageList.of(source.parent, names, notes=notes)


def _found(source: Path, paths: list[str]) -> tuple[list[str], tuple[str, ...]]:
    if all(exists(source, path) for path in paths[:FIRST]):
        return paths, ()
    if any("\\" in path for path in paths[:FIRST]):
        paths = [_turned(source, path) for path in paths]
    if any(exists(source, path) for path in paths[:FIRST]):
        return paths, ()
    below = _Below(source)
    if _is_absolute(paths[0]):
        raise _not_there(source, paths[0], below)
    meant = [below.meant(path) for path in paths]
    if not any(meant[:FIRST]):
        raise _not_there(source, paths[0], below)
    first = next(i for i, path in enumerate(meant) if path)
    note = f"{shown(source)} names {paths[first]}, which is read as {shown(meant[first] or '')}."
    return [path or paths[i] for i, path in enumerate(meant)], (note,)


def _turned(source: Path, path: str) -> str:
    """A path of Windows with / where the file is there so, and not as it is written."""
    if "\\" not in path or exists(source, path):
        return path
    return path.replace("\\", "/")


def _is_absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or bool(PureWindowsPath(path).drive)


class _Below:
    """The files below the folder of a list, by the names that may be meant."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.by_name: dict[str, list[str]] = {}
        for name in walk(source.parent).files:
            path = os.fsdecode(name)
            stem, ending = os.path.splitext(path)
            last, last_stem = os.path.basename(path), os.path.basename(stem)
            for key in {last, *((stem, last_stem) if ending else ())}:
                self.by_name.setdefault(key, []).append(path)

    def meant(self, path: str) -> str | None:
        """The one file that a name may mean; None if there is none.

        Raises:
            DataError: There are two.
        """
        found = self.by_name.get(PurePosixPath(path).as_posix(), [])
        if len(found) > 1:
            raise DataError(
                f"{shown(self.source)} names {path}, which may be {shown(found[0])} or "
                f"{shown(found[1])}: write the whole path with its ending."
            )
        return found[0] if found else None


def _not_there(source: Path, path: str, below: _Below) -> DataError:
    root = shown(source.parent)
    if not _is_absolute(path):
        return DataError(
            f"the files of the list {shown(source)} do not exist (the first is "
            f"{shown(source.parent / path)}). Its paths are taken relative to {root}."
        )
    last = path.replace("\\", "/").rpartition("/")[2]
    here = below.by_name.get(last, [])
    such = f", such as {shown(here[0])}" if here else ""
    return DataError(
        f"the files of the list {shown(source)} do not exist (the first is {path}, as on another "
        f"machine): write paths relative to {root}{such}."
    )
