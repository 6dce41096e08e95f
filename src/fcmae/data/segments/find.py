"""From what a user names with --data to images with label maps.

Accepted are: a folder with ``images`` and ``masks`` inside (or ``annotations``, as ADE20K calls
them), each of which may hold ``train`` and ``val``; a folder with ``train`` and ``val``, each of
which holds ``images`` and ``masks``; a .yaml that names the folders. An image and its mask have
the same path inside their folders, up to the ending.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fcmae.data.folders import walk
from fcmae.data.image_list import ImageList
from fcmae.data.listing import PARTS, hold_out
from fcmae.data.naming import shown
from fcmae.data.options import LabelMapOptions
from fcmae.data.segments.classes import checked_classes, read_classes
from fcmae.data.segments.label_maps import NUMBERS, LabelMaps, table_of
from fcmae.data.yaml_file import read_mapping
from fcmae.errors import DataError

YAMLS = (".yaml", ".yml")
IMAGES = ("images", "imgs", "image")
MASKS = ("masks", "annotations", "labels", "mask")
CLASSES = ("classes.txt", "names.txt")
KEYS = ("path", "train", "val", "classes", "ignore_index", "reduce_zero_label")
RULE = "label maps need a folder with images and masks inside, or a .yaml that names them"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Folder of the images of one part of a data set, and of their masks."""

    images: Path
    masks: Path


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the parts of a data set are, and what its numbers mean.

    Attributes:
        parts: By name: train and val, or all where nothing is divided.
        classes: Names of the classes; None if no file names them.
        ignore_index: The number of pixels that nobody is judged by.
        reduce_zero_label: Whether 0 is ignored too, and 1 is the first class.
    """

    parts: dict[str, Part]
    classes: tuple[str, ...] | None
    ignore_index: int = 255
    reduce_zero_label: bool = False


def split_segments(
    source: Path, val: Path | None, options: LabelMapOptions, *, share: float
) -> tuple[ImageList, ImageList]:
    """Images with label maps to train on and to validate on, with the same classes.

    Taken are: ``val`` where it is named; else the parts of the source; else a share of its images
    is held out, chosen by the hash of each path.
    """
    layout = layout_of(source, options)
    train = images_of(layout, ("train", "all"), source)
    if val is not None:
        other = replace(layout, parts=layout_of(val, options).parts)
        return train, images_of(other, ("val", "all"), val)
    if "val" in layout.parts:
        return train, images_of(layout, ("val",), source)
    return hold_out(train, share)


def evaluation_segments(
    source: Path, options: LabelMapOptions, classes: Sequence[str] | None = None
) -> ImageList:
    """Images with label maps of a model's classes: the part to validate on, where there are parts.

    The source's own names of classes are compared with the model's; a source that has none is
    taken to mean the model's, in their order.
    """
    layout = layout_of(source, options)
    if classes is None:
        return images_of(layout, ("val", "all", "train"), source)
    if layout.classes is None:
        layout = replace(layout, classes=tuple(classes))
    return images_of(layout, ("val", "all"), source).with_classes(classes)


def layout_of(source: Path, options: LabelMapOptions) -> Layout:
    """Find the parts of a data set and the names of its classes; the options win over a .yaml."""
    if not source.exists():
        raise DataError(f"there is no file or folder {shown(source)}.")
    if source.is_dir():
        layout = Layout(parts=_parts_in(source), classes=_classes_near(source))
    elif source.suffix.lower() in YAMLS:
        layout = _from_yaml(source)
    else:
        raise DataError(f"{shown(source)} is neither a folder nor a .yaml: {RULE}.")
    if options.classes is not None:
        layout = replace(layout, classes=read_classes(options.classes))
    for name in ("ignore_index", "reduce_zero_label"):
        if getattr(options, name) is not None:
            layout = replace(layout, **{name: getattr(options, name)})
    return layout


def images_of(layout: Layout, names: Sequence[str], source: Path) -> ImageList:
    """The images of the first of these parts that there is."""
    if layout.classes is None:
        raise DataError(
            f"nothing names the classes of {shown(source)}: put a classes.txt there, one name per "
            "line in the order of their numbers, or give --labels.classes."
        )
    part = next((layout.parts[name] for name in names if name in layout.parts), None)
    if part is None:
        raise DataError(
            f"{shown(source)} has a part {' and '.join(layout.parts)}, but none called {names[0]}."
        )
    table = table_of(
        len(layout.classes),
        ignore_index=layout.ignore_index,
        reduce_zero_label=layout.reduce_zero_label,
    )
    images, maps = pair(part)
    return replace(images, classes=layout.classes, annotations=LabelMaps(maps=maps, table=table))


def pair(part: Part) -> tuple[ImageList, ImageList]:
    """Images and masks with equal paths up to the ending, in the images' order.

    Raises:
        DataError: An image has no mask, or two files could be meant.
    """
    images, masks = (_by_stem(folder) for folder in (part.images, part.masks))
    if not images:
        raise DataError(f"there are no images in {shown(part.images)}.")
    missing = [images[stem] for stem in images if stem not in masks]
    if missing:
        first = os.fsdecode(missing[0])
        raise DataError(
            f"{len(missing)} of {len(images)} images in {shown(part.images)} have no mask (such as "
            f"{shown(first)}, for which there is no {shown(part.masks / Path(first).stem)}.png). "
            "A mask has the name of its image, up to the ending."
        )
    alone = [shown(os.fsdecode(masks[stem])) for stem in masks if stem not in images]
    aside = tuple((f"{part.masks.name}/{name}", "a mask without an image") for name in alone)
    return (
        ImageList.of(part.images, list(images.values()), set_aside=aside),
        ImageList.of(part.masks, [masks[stem] for stem in images]),
    )


def _by_stem(folder: Path) -> dict[bytes, bytes]:
    """The files of a folder, read recursively, by their path without the ending."""
    found: dict[bytes, bytes] = {}
    for name in walk(folder).files:
        stem = os.path.splitext(name)[0]
        if stem in found:
            both = " and ".join(shown(os.fsdecode(x)) for x in (found[stem], name))
            raise DataError(f"{shown(folder)} holds {both}, but a name may appear once.")
        found[stem] = name
    return found


def _parts_in(source: Path) -> dict[str, Part]:
    folders = _folders(source)
    images, masks = (_first(folders, names) for names in (IMAGES, MASKS))
    if images is not None and masks is not None:
        inside = _folders(images), _folders(masks)
        parts = {}
        for part, names in PARTS.items():
            found = [_first(where, names) for where in inside]
            if found[0] is not None and found[1] is not None:
                parts[part] = Part(images=found[0], masks=found[1])
        return parts or {"all": Part(images=images, masks=masks)}
    parts = {}
    for part, names in PARTS.items():
        folder = _first(folders, names)
        if folder is not None:
            parts[part] = next(iter(_parts_in(folder).values()))
    if not parts:
        raise DataError(f"{shown(source)} does not hold images and masks, but {RULE}.")
    return parts


def _folders(source: Path) -> dict[str, Path]:
    return {entry.name.lower(): entry for entry in sorted(source.iterdir()) if entry.is_dir()}


def _first(folders: Mapping[str, Path], names: Sequence[str]) -> Path | None:
    return next((folders[name] for name in names if name in folders), None)


def _classes_near(source: Path) -> tuple[str, ...] | None:
    for folder in (source, source.parent):
        for name in CLASSES:
            if (folder / name).is_file():
                return read_classes(folder / name)
    return None


def _from_yaml(file: Path) -> Layout:
    content = read_mapping(file)
    unknown = [key for key in content if key not in KEYS]
    if unknown:
        raise DataError(f"{shown(file)} has a key {unknown[0]}, but may have {', '.join(KEYS)}.")
    root = file.parent / str(content.get("path", "."))
    parts = {}
    for name in ("train", "val"):
        if name in content:
            parts |= {name: _part_of(content[name], root, f"{shown(file)}: {name}")}
    if not parts:
        raise DataError(f"{shown(file)} must name train, val or both.")
    ignore, reduce = content.get("ignore_index", 255), content.get("reduce_zero_label", False)
    if type(ignore) is not int or not 0 <= ignore < NUMBERS or type(reduce) is not bool:
        raise DataError(
            f"{shown(file)}: ignore_index must be a whole number from 0 to {NUMBERS - 1} and "
            f"reduce_zero_label true or false, but they are {ignore} and {reduce}."
        )
    return Layout(
        parts=parts,
        classes=_classes_of(content.get("classes"), root, file),
        ignore_index=ignore,
        reduce_zero_label=reduce,
    )


def _part_of(value: Any, root: Path, where: str) -> Part:
    """A folder with images and masks inside, or both by their names."""
    if isinstance(value, str):
        folders = {"images": root / value / "images", "masks": root / value / "masks"}
    elif isinstance(value, dict) and set(value) == {"images", "masks"}:
        folders = {name: root / str(folder) for name, folder in value.items()}
    else:
        raise DataError(
            f"{where} is {value!r}, but must be a folder with images and masks inside, or "
            "{images: FOLDER, masks: FOLDER}."
        )
    for folder in folders.values():
        if not folder.is_dir():
            raise DataError(f"{where}: there is no folder {shown(folder)}.")
    return Part(**folders)


def _classes_of(value: Any, root: Path, file: Path) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return read_classes(root / value)
    if isinstance(value, list):
        return checked_classes([str(name) for name in value], f"{shown(file)}: classes")
    if value is None:
        return _classes_near(root)
    raise DataError(f"{shown(file)}: classes is {value!r}, but must be a list or a file.")
