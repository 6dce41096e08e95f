"""Finds the parts of a data set with objects."""

from dataclasses import replace
from pathlib import Path

from fcmae.data.listing import PARTS, not_there
from fcmae.data.naming import shown
from fcmae.data.objects.numbered import looks_numbered
from fcmae.data.objects.one_part import WAYS, coco_beside, one_file, one_folder, voc_images
from fcmae.data.objects.part import ObjectPart
from fcmae.data.objects.parts_named import NAMING, YAMLS, parts_named
from fcmae.data.objects.recognise import holds
from fcmae.errors import DataError

__all__ = ["has_numbered", "has_objects", "only_part", "part_to_validate", "parts_of"]


def parts_of(source: Path) -> dict[str, ObjectPart]:
    """The parts of a data set by name, train and val, or all if there is one only.

    Raises:
        DataError: Nothing there is laid out in a way that is known.
    """
    if not source.exists():
        raise not_there(source)
    if source.is_file():
        named = source.suffix.lower() in NAMING
        return parts_named(source) if named else {"all": one_file(source)}
    found = _from_folder(source)
    if not found:
        raise DataError(f"no labels of objects were found in {shown(source)}: give {WAYS}.")
    return found


def has_objects(source: Path) -> bool:
    """True if a folder or file holds labels of objects, sound or not."""
    if source.is_dir():
        parts = _from_folder(source).values()
        return any(looks_numbered(p) or holds(p.kind, p.labels) for p in parts)
    if source.suffix.lower() == ".txt":
        return holds("yolo", source)
    return source.suffix.lower() in (*NAMING, ".json") and source.is_file()


def has_numbered(source: Path) -> bool:
    """True if a folder holds label images that look as if each object had a number."""
    return source.is_dir() and any(map(looks_numbered, _from_folder(source).values()))


def only_part(source: Path, parts: dict[str, ObjectPart]) -> ObjectPart:
    """The part of a data set without parts."""
    if "all" not in parts:
        raise DataError(f"{shown(source)} has a part {' and '.join(parts)}, but none to train on.")
    return parts["all"]


def part_to_validate(source: Path) -> ObjectPart:
    """The part to validate on."""
    parts = parts_of(source)
    return parts.get("val") or only_part(source, parts)


def _from_folder(source: Path) -> dict[str, ObjectPart]:
    yamls = [source / f"{stem}{end}" for stem in ("data", "dataset") for end in YAMLS]
    for file in (*yamls, source / "obj.data"):
        if file.is_file():
            return parts_named(file)
    for find in (_coco_files, _voc_lists, _subfolders):
        if found := find(source):
            return found
    part = one_folder(source)
    return {} if part is None else {"all": part}


def _coco_files(source: Path) -> dict[str, ObjectPart]:
    """COCO's files by the part in their names."""
    files = sorted((source / "annotations").glob("*.json"))
    instances = [file for file in files if file.stem.startswith("instances")]
    beside = [] if files else coco_beside(source)
    found = {}
    for name, words in PARTS.items():
        fits = [
            f for f in instances or files or beside if any(word in f.stem.lower() for word in words)
        ]
        if len(fits) > 1:
            raise DataError(
                f"{shown(source)} has several files of labels for {name}: "
                f"{', '.join(file.name for file in fits)}. Name one."
            )
        if fits:
            found[name] = ObjectPart(kind="coco", labels=fits[0])
    if not found and len(instances or files) == 1:
        return {"all": ObjectPart(kind="coco", labels=(instances or files)[0])}
    return found


def _voc_lists(source: Path) -> dict[str, ObjectPart]:
    """The parts that Pascal VOC lists in ImageSets/Main."""
    found = {}
    for name in PARTS:
        file = source / "ImageSets" / "Main" / f"{name}.txt"
        if file.is_file() and (source / "Annotations").is_dir():
            lines = _text_of(file).splitlines()
            names = tuple(line.split()[0] for line in lines if line.split())
            part = ObjectPart(kind="voc", labels=source / "Annotations", images=voc_images(source))
            found[name] = replace(part, names=names)
    return found


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not text in UTF-8: save it as that.") from error


def _subfolders(source: Path) -> dict[str, ObjectPart]:
    """Folders train and val, in this folder or in its folder of images."""
    for base in (source / "images", source):
        found = {}
        for name, words in PARTS.items():
            folders = [base / word for word in words if (base / word).is_dir()]
            part = one_folder(folders[0]) if folders else None
            if part is not None:
                found[name] = part
        if found:
            return found
    return {}
