"""Finds images and their label images, in which each object has a number of its own.

Accepted are what cellpose writes (``a.png`` and ``a_masks.png``), StarDist (``images/a.tif`` and
``masks/a.tif``), and the Data Science Bowl of 2018 (``a/images/a.png`` and a mask for each object
in ``a/masks``).
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from fcmae.data.folders import folders_in, walk
from fcmae.data.objects.part import ObjectPart

MASKS = ("masks", "mask", "labels", "instances")
"""Folders of label images beside a folder of images."""

SUFFIXES = ("_cp_masks", "_masks", "_mask", "_labels", "_label", "_instances")
"""What follows an image's name in that of its label image."""

TRIED = 3
"""Folders that are looked into to tell whether there is one for each image."""


@dataclass(kw_only=True)
class NumberedFiles:
    """Images with their label images.

    Attributes:
        root: The folder that images are relative to.
        masks: Label images of each image by its path; several where each shows one object.
        lost: Images without a label image.
        unused: Label images without an image.
    """

    root: Path
    masks: dict[bytes, list[Path]] = field(default_factory=dict)
    lost: list[Path] = field(default_factory=list)
    unused: list[Path] = field(default_factory=list)


def numbered_part(folder: Path) -> ObjectPart | None:
    """Label images in one folder, or None."""
    inside = folders_in(folder)
    parts = list(folder.parts)
    if "images" in inside:
        pairs = [(inside["images"], inside[name]) for name in MASKS if name in inside]
    elif "images" in parts:
        place = len(parts) - 1 - parts[::-1].index("images")
        swapped = [Path(*parts[:place], name, *parts[place + 1 :]) for name in MASKS]
        pairs = [(folder, masks) for masks in swapped if masks.is_dir()]
    else:
        pairs = []
    for images, masks in (*pairs, (folder, folder)):
        part = ObjectPart(kind="numbers", labels=masks, images=images)
        if numbered_files(masks, images).masks:
            return part
    return None


def numbered_files(labels: Path, images: Path) -> NumberedFiles:
    """The images of a folder, each with its label images.

    Args:
        labels: The folder of label images; the same where they lie among the images.
        images: The folder of images.
    """
    if labels == images and (folders := _folders_of_images(images)):
        return _one_mask_each(images, folders)
    found = NumberedFiles(root=images)
    masks = {_stem(name): labels / os.fsdecode(name) for name in walk(labels).files}
    names = walk(images).files
    if labels == images:
        stems = {_base(_stem(name)) for name in names if not _is_mask(_stem(name))}
        masks = {stem: path for stem, path in masks.items() if _is_mask(stem)}
        names = [name for name in names if not _is_mask(_stem(name))]
        masks = {stem: path for stem, path in masks.items() if _base(stem) in stems}
    used = set()
    for name in names:
        stem = _stem(name)
        fits = [s for s in (stem, *(_base(stem) + end for end in SUFFIXES)) if s in masks]
        if fits:
            used.add(fits[0])
            found.masks[name] = [masks[fits[0]]]
        else:
            found.lost.append(images / os.fsdecode(name))
    found.unused = [path for stem, path in masks.items() if stem not in used]
    return found


def _folders_of_images(root: Path) -> list[Path]:
    """The folders with a folder of images and one of masks inside, if the first ones are such."""
    folders = [folder for _, folder in sorted(folders_in(root).items())]
    if not any(map(_has_both, folders[:TRIED])):
        return []
    return [folder for folder in folders if _has_both(folder)]


def _has_both(folder: Path) -> bool:
    return (folder / "images").is_dir() and (folder / "masks").is_dir()


def _one_mask_each(root: Path, folders: list[Path]) -> NumberedFiles:
    """A folder for each image, with a mask for each object."""
    found = NumberedFiles(root=root)
    for folder in folders:
        names = walk(folder / "images").files
        masks = [folder / "masks" / os.fsdecode(name) for name in walk(folder / "masks").files]
        for name in names[:1]:
            path = os.path.relpath(folder / "images", root)
            found.masks[os.path.join(os.fsencode(path), name)] = masks
        found.lost += [folder / "images" / os.fsdecode(name) for name in names[1:]]
        found.unused += [] if names else masks
    return found


def _stem(name: bytes) -> str:
    return os.path.splitext(os.fsdecode(name))[0]


def _is_mask(stem: str) -> bool:
    return stem.endswith(SUFFIXES)


def _base(stem: str) -> str:
    """The name that an image and its label image share."""
    for end in (*SUFFIXES, "_img"):
        if stem.endswith(end):
            return stem.removesuffix(end)
    return stem
