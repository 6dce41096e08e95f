"""Finds images by paths that were written on another machine, or in another folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from fcmae.data.folders import folders_in, is_plain_file
from fcmae.data.naming import shown
from fcmae.errors import DataError

TRIED = 20
"""Images that are looked for: the first ones of a file may be lost."""

WAY = "Name it in a .yaml: 'train: {labels: FILE, images: FOLDER}'"


@dataclass(frozen=True, kw_only=True)
class ImagePlace:
    """Place of images that a label file names.

    Attributes:
        folder: The folder that the names are relative to.
        dropped: How many parts of each path are left out at its beginning; None where paths are
            taken as they are written.
    """

    folder: Path
    dropped: int | None = None

    def name(self, said: str) -> str:
        """The path of an image relative to the folder."""
        return Path(said).as_posix() if self.dropped is None else _tail(said, self.dropped)

    @property
    def note(self) -> str | None:
        """Says what was left out of the paths, if anything was."""
        if not self.dropped:
            return None
        parts = "first part" if self.dropped == 1 else f"first {self.dropped} parts"
        return f"paths of images are taken without their {parts}, in {shown(self.folder)}"


def find_place(
    names: Sequence[str], folders: Sequence[Path], *, beside: Sequence[Path] = (), called: str
) -> ImagePlace:
    """The likeliest folder that holds the first of some images.

    Paths are tried as they are written, then with / for \\, then without their first parts, which
    may be another machine's or an address in the web.

    Args:
        names: Paths as a file of labels says them.
        folders: Where to look, the likeliest first.
        beside: Folders of which all folders inside are looked into too; a single one may fit.
        called: The label file in messages.

    Raises:
        DataError: The images are nowhere, or in several folders beside.
    """
    names = names[:TRIED]
    depth = max((len(_parts(name)) for name in names), default=1)
    others = [
        inside
        for folder in dict.fromkeys(beside)
        for inside in folders_in(folder).values()
        if inside not in folders
    ]
    for dropped in (None, *range(depth)):
        for folder in folders:
            if (place := ImagePlace(folder=folder, dropped=dropped)) and _holds(place, names):
                return place
        places = [ImagePlace(folder=folder, dropped=dropped) for folder in dict.fromkeys(others)]
        fits = [place for place in places if _holds(place, names)]
        if len(fits) == 1:
            return fits[0]
        if fits:
            said = " and ".join(shown(place.folder) for place in fits[:3])
            raise DataError(f"the images of {called} may be in {said}. {WAY}.")
    tried = ", ".join(shown(folder) for folder in dict.fromkeys([*folders, *others[:5]]))
    first = f" (such as {shown(names[0])})" if names else ""
    raise DataError(f"the images of {called}{first} are in none of {tried}. {WAY}.")


def _holds(place: ImagePlace, names: Sequence[str]) -> bool:
    wanted = [place.name(name) for name in names]
    return any(name not in ("", ".") and is_plain_file(place.folder / name) for name in wanted)


def _parts(said: str) -> tuple[str, ...]:
    text = unquote(urlsplit(said).path) if "://" in said else said
    return PurePosixPath(text.replace("\\", "/")).parts


def _tail(said: str, dropped: int) -> str:
    return PurePosixPath(*_parts(said)[dropped:]).as_posix()
