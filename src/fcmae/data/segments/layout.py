"""Finds the parts of a data set with label maps.

Accepted are: a folder with ``images`` and ``masks`` inside (or ``annotations``, as ADE20K calls
them), each of which may hold ``train`` and ``val``; a folder with ``train`` and ``val``, each of
which holds ``images`` and ``masks``; a .yaml that names the folders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fcmae.data.folders import folders_in
from fcmae.data.listing import PARTS, not_there
from fcmae.data.naming import shown
from fcmae.data.segments.classes import NamedClasses, checked_classes, read_classes
from fcmae.data.segments.meaning import NUMBERS
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.pairing import match
from fcmae.data.segments.parts import SegmentPart, files_of, pattern_in
from fcmae.data.yaml_file import read_mapping
from fcmae.errors import DataError

YAMLS = (".yaml", ".yml")
IMAGES = ("images", "imgs", "image", "jpegimages")
MASKS = ("masks", "annotations", "labels", "mask", "segmentationclass")
CLASSES = (
    "classes.txt", "names.txt", "labelmap.txt", "class_dict.csv", "_classes.csv", "codes.txt",
    "label_colors.txt", "class_names.txt",
)  # fmt: skip
KEYS = (
    "path", "train", "val", "classes", "masks", "numbers", "ignore_index", "reduce_zero_label",
)  # fmt: skip
RULE = "label maps need a folder with images and masks inside, or a .yaml that names them"


@dataclass(frozen=True, kw_only=True)
class SegmentFolders:
    """Folders of the parts of a data set, and the meaning of its numbers.

    Attributes:
        parts: By name: train and val, or all where nothing is divided.
        named: The classes; None if no file names them.
        numbers: Number of each class; None for 0, 1, 2, ... or what the file of classes tells.
        ignore_index: The number of pixels that nobody is judged by; None where nothing tells.
        reduce_zero_label: Whether 0 is ignored too, and 1 is the first class.
    """

    parts: dict[str, SegmentPart]
    named: NamedClasses | None
    numbers: tuple[int, ...] | None = None
    ignore_index: int | None = None
    reduce_zero_label: bool | None = None

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes; None if no file names them."""
        return None if self.named is None else self.named.names

    @property
    def said(self) -> LabelMapOptions:
        """The meaning of the numbers, as options."""
        return LabelMapOptions(
            numbers=self.numbers,
            ignore_index=self.ignore_index,
            reduce_zero_label=self.reduce_zero_label,
        )


def layout_of(source: Path, options: LabelMapOptions) -> SegmentFolders:
    """Find the parts of a data set and the names of its classes; the options win over a .yaml."""
    if not source.exists():
        raise not_there(source)
    if source.is_dir():
        parts = _parts_in(source)
        if not parts:
            raise DataError(f"{shown(source)} does not hold images and masks, but {RULE}.")
        layout = SegmentFolders(parts=parts, named=_classes_near(source))
    elif source.suffix.lower() in YAMLS:
        layout = _from_yaml(source)
    else:
        raise DataError(f"{shown(source)} is neither a folder nor a .yaml: {RULE}.")
    if options.classes is not None:
        layout = replace(layout, named=read_classes(options.classes))
    for name in ("numbers", "ignore_index", "reduce_zero_label"):
        if getattr(options, name) is not None:
            layout = replace(layout, **{name: getattr(options, name)})
    if options.masks is not None:
        named = {name: part.with_masks(options.masks) for name, part in layout.parts.items()}
        layout = replace(layout, parts=named)
    return layout


def has_segments(source: Path) -> bool:
    """True if a folder holds label maps of some of its images, or a .yaml names any."""
    if source.is_dir():
        return any(_has_masks(part) for part in _parts_in(source).values())
    if source.suffix.lower() not in YAMLS:
        return False
    content = read_mapping(source)
    root = source.parent / str(content.get("path", "."))
    # YOLO's data.yaml has names, of which one may well be masks.
    return "names" not in content and any(
        "masks" in said if isinstance(said, dict) else (root / str(said) / "masks").is_dir()
        for said in (content[name] for name in PARTS if name in content)
    )


def folders_for_masks(source: Path) -> list[Path]:
    """Folders in which masks would be by a layout, whatever lies there."""
    return [part.masks for part in _parts_in(source).values()] if source.is_dir() else []


def _has_masks(part: SegmentPart) -> bool:
    """True if a file beside the images has the name of one of them, and could be its mask."""
    images, masks = files_of(part)
    return bool(match(images.files, masks.files).masks)


def _parts_in(source: Path) -> dict[str, SegmentPart]:
    """The parts that a folder holds; nothing if it is laid out in another way."""
    folders = folders_in(source)
    images, masks = (_first(folders, names) for names in (IMAGES, MASKS))
    if images is not None and masks is not None:
        inside = folders_in(images), folders_in(masks)
        parts = {}
        for part, names in PARTS.items():
            found = [_first(where, names) for where in inside]
            if found[0] is not None and found[1] is not None:
                parts[part] = SegmentPart(images=found[0], masks=found[1])
        return parts or {"all": SegmentPart(images=images, masks=masks)}
    parts = {}
    for part, names in PARTS.items():
        folder = _first(folders, names)
        if folder is not None:
            whole = _parts_in(folder)
            parts |= {part: whole["all"]} if "all" in whole else {}
    return parts


def _first(folders: Mapping[str, Path], names: Sequence[str]) -> Path | None:
    return next((folders[name] for name in names if name in folders), None)


def _classes_near(source: Path) -> NamedClasses | None:
    for folder in (source, source.parent):
        for name in CLASSES:
            if (folder / name).is_file():
                return read_classes(folder / name)
    return None


def _from_yaml(file: Path) -> SegmentFolders:
    content = read_mapping(file)
    unknown = [key for key in content if key not in KEYS]
    if unknown:
        raise DataError(f"{shown(file)} has a key {unknown[0]}, but may have {', '.join(KEYS)}.")
    root = file.parent / str(content.get("path", "."))
    parts: dict[str, SegmentPart] = {}
    for name in ("train", "val"):
        if name in content:
            parts |= {name: _part_of(content[name], root, f"{shown(file)}: {name}")}
    if not parts:
        raise DataError(f"{shown(file)} must name train, val or both.")
    if (pattern := content.get("masks")) is not None:
        if str(pattern).count("*") != 1:
            raise DataError(
                f"{shown(file)}: masks is {pattern!r}, but must have one * where the name of the "
                "image stands, such as '*_mask.png'."
            )
        parts = {name: part.with_masks(str(pattern)) for name, part in parts.items()}
    ignore, reduce = content.get("ignore_index"), content.get("reduce_zero_label")
    numbers = content.get("numbers")
    sound = ignore is None or _is_number(ignore)
    if not sound or (reduce is not None and type(reduce) is not bool):
        raise DataError(
            f"{shown(file)}: ignore_index must be a whole number from 0 to {NUMBERS - 1} and "
            f"reduce_zero_label true or false, but they are {ignore} and {reduce}."
        )
    if numbers is not None and not (isinstance(numbers, list) and all(map(_is_number, numbers))):
        raise DataError(
            f"{shown(file)}: numbers must be the number of each class in a list, such as [0, 255], "
            f"but it is {numbers}."
        )
    return SegmentFolders(
        parts=parts,
        named=_classes_of(content.get("classes"), root, file),
        numbers=None if numbers is None else tuple(numbers),
        ignore_index=ignore,
        reduce_zero_label=reduce,
    )


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < NUMBERS


def _part_of(value: Any, root: Path, where: str) -> SegmentPart:
    """A folder with images and masks inside, or both by their names."""
    if isinstance(value, str):
        folders = {"images": root / value / "images", "masks": root / value / "masks"}
        patterns = dict.fromkeys(folders, "*")
    elif isinstance(value, dict) and set(value) == {"images", "masks"}:
        folders, patterns = {}, {}
        for name, folder in value.items():
            folders[name], patterns[name] = pattern_in(root / str(folder))
    else:
        raise DataError(
            f"{where} is {value!r}, but must be a folder with images and masks inside, or "
            "{images: FOLDER, masks: FOLDER}."
        )
    for folder in folders.values():
        if not folder.is_dir():
            raise DataError(f"{where}: there is no folder {shown(folder)}.")
    return SegmentPart(**folders, image_pattern=patterns["images"], mask_pattern=patterns["masks"])


def _classes_of(value: Any, root: Path, file: Path) -> NamedClasses | None:
    if isinstance(value, str):
        return read_classes(root / value)
    if isinstance(value, list):
        names = [str(name) for name in value]
        return NamedClasses(names=checked_classes(names, f"{shown(file)}: classes"))
    if value is None:
        return _classes_near(root)
    raise DataError(f"{shown(file)}: classes is {value!r}, but must be a list or a file.")
