"""The images of a part of a data set and their masks, by their names."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from fcmae.data.folders import walk
from fcmae.data.segments.pairing import by_stem

Aside = list[tuple[str, str]]
"""Files that are left out, each with the reason."""


@dataclass(frozen=True, kw_only=True)
class SegmentPart:
    """Folder of the images of one part of a data set, and of their masks.

    Attributes:
        images: Folder of the images.
        masks: Folder of the masks.
        image_pattern: What the names of images look like; the star stands for what they share with
            the names of masks.
        mask_pattern: The same of masks.
    """

    images: Path
    masks: Path
    image_pattern: str = "*"
    mask_pattern: str = "*"

    def with_masks(self, pattern: str) -> "SegmentPart":
        """The same, with masks called by a pattern."""
        return replace(self, mask_pattern=pattern)


@dataclass(kw_only=True)
class Files:
    """Files of a folder.

    Attributes:
        files: Their names by their stem.
        twice: (name, the other that has its stem) of those that are left out.
    """

    files: dict[str, str] = field(default_factory=dict)
    twice: Aside = field(default_factory=list)


def pattern_in(path: Path) -> tuple[Path, str]:
    """A folder, and what the names in it look like, of a path that may end with such a pattern."""
    return (path.parent, path.name) if "*" in path.name else (path, "*")


def files_of(part: SegmentPart) -> tuple[Files, Files]:
    """The images of a part, and the masks. In one folder, what is a mask is no image."""
    names = [os.fsdecode(name) for name in walk(part.images).files]
    if part.images == part.masks:
        masks = _files(names, part.mask_pattern)
        taken = {*masks.files.values()} if part.mask_pattern != "*" else set()
        return _files([name for name in names if name not in taken], part.image_pattern), masks
    others = [os.fsdecode(name) for name in walk(part.masks).files]
    return _files(names, part.image_pattern), _files(others, part.mask_pattern)


def _files(names: Iterable[str], pattern: str) -> Files:
    files, twice = by_stem(names, pattern)
    return Files(files=files, twice=twice)
