"""The parts of a data set with objects that a file names: a data.yaml, or obj.data of CVAT."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from fcmae.data.listing import PARTS
from fcmae.data.naming import shown
from fcmae.data.objects.one_part import one_file, one_folder, voc_folder
from fcmae.data.objects.part import ObjectPart
from fcmae.data.objects.yolo_files import class_names, names_in_file
from fcmae.data.yaml_file import read_mapping
from fcmae.errors import DataError

YAMLS = (".yaml", ".yml")
NAMING = (*YAMLS, ".data")
"""Endings of files that name the parts of a data set."""

FORMS = "a folder or file, a list of them, or {labels: FILE OR FOLDER, images: FOLDER}"


def parts_named(file: Path) -> dict[str, ObjectPart]:
    """The parts that a file names: ``train`` and ``val``, each a folder, a file, or both.

    Raises:
        DataError: The file cannot be read, or names what is not there.
    """
    content = read_mapping(file) if file.suffix.lower() in YAMLS else _darknet(file)
    classes = _classes(content, file)
    keypoints = _keypoints(content, file)
    found = {}
    for name, words in PARTS.items():
        said = next((content[word] for word in words if content.get(word) is not None), None)
        if said is not None:
            where = f"{shown(file)}: {name}"
            part = _part(said, content, file, where, classes)
            found[name] = replace(part, classes=classes, keypoints=keypoints)
    if not found:
        raise DataError(f"{shown(file)} names neither train nor val.")
    if len({(part.labels, part.names) for part in found.values()}) < len(found):
        both = {str(content.get(word)) for words in PARTS.values() for word in words}
        if len(both - {"None"}) > 1:  # the same twice is somebody's will
            raise DataError(f"{shown(file)}: train and val lead to the same place: name two.")
    return found


def _darknet(file: Path) -> dict[str, Any]:
    """The lines ``key = value`` of a file of Darknet, as CVAT writes them (YOLO 1.1)."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown(file)} cannot be read as UTF-8 text: {error}.") from error
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _classes(content: Mapping[str, Any], file: Path) -> tuple[str, ...] | None:
    """The classes by their names, or their number ``nc`` alone; both must agree."""
    names, count = content.get("names"), content.get("nc")
    if isinstance(names, str):
        place = next((p for p in _places(names, content, file) if p.is_file()), None)
        if place is None:
            raise DataError(f"{shown(file)}: names is {names}, but there is no such file.")
        names = names_in_file(place)
    if count is not None and (type(count) is not int or count < 1):
        raise DataError(f"{shown(file)}: nc is {count}, but must be the number of classes.")
    if names is None:
        return None if count is None else tuple(map(str, range(count)))
    classes = tuple(class_names(names, file))
    if count is not None and count != len(classes):
        raise DataError(
            f"{shown(file)}: nc is {count}, but names lists {len(classes)} classes: make them "
            "agree."
        )
    return classes


def _keypoints(content: Mapping[str, Any], file: Path) -> int:
    """How many numbers of keypoints follow each box."""
    shape = content.get("kpt_shape")
    if shape is None:
        return 0
    whole = isinstance(shape, list) and len(shape) == 2 and all(type(n) is int for n in shape)
    if not whole or shape[0] < 1 or shape[1] not in (2, 3):
        raise DataError(
            f"{shown(file)}: kpt_shape is {shape}, but must be [NUMBER OF POINTS, 2 or 3]."
        )
    return int(shape[0] * shape[1])


def _part(
    said: Any,
    content: Mapping[str, Any],
    file: Path,
    where: str,
    classes: tuple[str, ...] | None,
) -> ObjectPart:
    def place(text: Any) -> Path:
        places = list(_places(str(text), content, file))
        there = next((p for p in places if p.exists()), None)
        if there is None:
            raise DataError(f"{where} is {text}, but there is no {shown(places[0])}.")
        return there

    if isinstance(said, dict) and said.keys() == {"labels", "images"}:
        return _labels_and_images(place(said["labels"]), place(said["images"]), where)
    if isinstance(said, list) and said and all(isinstance(one, str) for one in said):
        first, *more = map(place, said)
        if any(one.is_file() and one.suffix.lower() != ".txt" for one in (first, *more)):
            raise DataError(
                f"{where} is {said}, but several places may only be folders and .txt lists of "
                "YOLO: join other files into one."
            )
        return ObjectPart(kind="yolo", labels=first, more=tuple(more))
    if not isinstance(said, str):
        raise DataError(f"{where} must be {FORMS}, but is {said}.")
    there = place(said)
    if there.is_file():
        return one_file(there)
    if classes is not None:
        return ObjectPart(kind="yolo", labels=there)
    if (part := one_folder(there)) is None:
        raise DataError(f"{where} is {said}, but no labels were found there.")
    return part


def _labels_and_images(labels: Path, images: Path, where: str) -> ObjectPart:
    """Labels and images in places of their own, by what the labels are."""
    if labels.is_file():
        return replace(one_file(labels), images=images)
    if (voc := voc_folder(labels)) is not None:
        return replace(voc, images=images)
    if next(labels.rglob("*.txt"), None) is not None:
        return ObjectPart(kind="yolo", labels=images, texts=labels)
    if images.is_dir():
        return ObjectPart(kind="numbers", labels=labels, images=images)
    raise DataError(f"{where}: images is {shown(images)}, but must be a folder.")


def _places(said: str, content: Mapping[str, Any], file: Path) -> Iterator[Path]:
    """Where a path may be: as it is written, beside the file, or without its first parts."""
    yield file.parent / str(content.get("path") or "") / said
    # An exporter of YOLO writes ../train/images for what lies beside the file.
    yield file.parent / said.removeprefix("../")
    parts = PurePosixPath(said.replace("\\", "/")).parts
    for dropped in range(len(parts)):
        if parts[dropped] not in ("/", "..", "."):
            yield file.parent / PurePosixPath(*parts[dropped:])
