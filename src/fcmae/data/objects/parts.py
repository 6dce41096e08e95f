"""Finds the parts of a data set with objects."""

from dataclasses import dataclass, replace
from pathlib import Path

from fcmae.data.listing import PARTS, not_there
from fcmae.data.naming import shown
from fcmae.data.objects.recognise import ObjectFormat, holds, numbers_beside
from fcmae.data.objects.yolo import class_names, labels_folder
from fcmae.data.yaml_file import read_mapping
from fcmae.errors import DataError

YAMLS = (".yaml", ".yml")
WAYS = (
    "a COCO .json, a folder with annotations/instances_train.json and instances_val.json, a folder "
    "with images and labels (YOLO) or Annotations and JPEGImages (Pascal VOC), a .txt that lists "
    "images (YOLO), or a .yaml that names train and val"
)


@dataclass(frozen=True, kw_only=True)
class ObjectPart:
    """Place of the labels of one part of a data set.

    Attributes:
        kind: How they are written.
        labels: COCO's file, YOLO's folder or list of images, or VOC's folder of XML files.
        images: Folder of the images, where the labels do not say.
        names: VOC: names of the XML files of this part; by default all.
        classes: Names of the classes, where something beside the labels tells.
    """

    kind: ObjectFormat
    labels: Path
    images: Path | None = None
    names: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None


def parts_of(source: Path) -> dict[str, ObjectPart]:
    """The parts of a data set by name, train and val, or all if there is one only.

    Raises:
        DataError: Nothing there is laid out in a way that is known.
    """
    if not source.exists():
        raise not_there(source)
    if source.suffix.lower() in YAMLS:
        return _from_yaml(source)
    if source.is_file():
        return {"all": _one_file(source)}
    found = _from_folder(source)
    if not found:
        raise DataError(f"no labels of objects were found in {shown(source)}: give {WAYS}.")
    return found


def has_objects(source: Path) -> bool:
    """True if a folder or file holds labels of objects, sound or not."""
    if source.is_dir():
        return any(holds(part.kind, part.labels) for part in _from_folder(source).values())
    if source.suffix.lower() == ".txt":
        return holds("yolo", source)
    return source.suffix.lower() in (*YAMLS, ".json") and source.is_file()


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
    for file in yamls:
        if file.is_file():
            return _from_yaml(file)
    for find in (_coco_files, _voc_lists, _subfolders):
        if found := find(source):
            return found
    part = _one_folder(source)
    return {} if part is None else {"all": part}


def _coco_files(source: Path) -> dict[str, ObjectPart]:
    """COCO's files by the part in their names."""
    files = sorted((source / "annotations").glob("*.json"))
    instances = [file for file in files if file.stem.startswith("instances")]
    found = {}
    for name, words in PARTS.items():
        fits = [f for f in instances or files if any(word in f.stem.lower() for word in words)]
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


def _one_file(file: Path) -> ObjectPart:
    """A file of COCO's labels, or a list of images with YOLO's."""
    kinds: dict[str, ObjectFormat] = {".json": "coco", ".txt": "yolo"}
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise DataError(f"{shown(file)} names no objects: give {WAYS}.")
    return ObjectPart(kind=kind, labels=file)


def _voc_lists(source: Path) -> dict[str, ObjectPart]:
    """The parts that Pascal VOC lists in ImageSets/Main."""
    found = {}
    for name in PARTS:
        file = source / "ImageSets" / "Main" / f"{name}.txt"
        if file.is_file() and (source / "Annotations").is_dir():
            lines = _text_of(file).splitlines()
            names = tuple(line.split()[0] for line in lines if line.split())
            part = ObjectPart(kind="voc", labels=source / "Annotations", images=_voc_images(source))
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
            part = _one_folder(folders[0]) if folders else None
            if part is not None:
                found[name] = part
        if found:
            return found
    return {}


def _one_folder(folder: Path) -> ObjectPart | None:
    """The labels in one folder, without parts."""
    coco = list(folder.glob("*.coco.json"))
    if len(coco) == 1:
        return ObjectPart(kind="coco", labels=coco[0], images=folder)
    for labels in (folder / "Annotations", folder):
        if next(labels.glob("*.xml"), None):
            return ObjectPart(kind="voc", labels=labels, images=_voc_images(folder))
    images = folder / "images" if (folder / "images").is_dir() else folder
    labelled = labels_folder(images) != images or numbers_beside(images)
    return ObjectPart(kind="yolo", labels=images) if labelled else None


def _voc_images(folder: Path) -> Path:
    named = [folder / name for name in ("JPEGImages", "images") if (folder / name).is_dir()]
    return named[0] if named else folder


def _from_yaml(file: Path) -> dict[str, ObjectPart]:
    """The parts that a .yaml names: ``train`` and ``val``, each a folder or a file."""
    content = read_mapping(file)
    names = content.get("names")
    classes = None if names is None else tuple(class_names(names, file))
    base = file.parent / str(content.get("path") or "")
    found = {}
    for name in PARTS:
        said = content.get(name)
        if said is None:
            continue
        if not isinstance(said, str):
            raise DataError(f"{shown(file)}: {name} must be a folder or file, but is {said}.")
        # An exporter of YOLO writes ../train/images for what lies beside the file.
        places = [base / said, file.parent / said.removeprefix("../")]
        place = next((p for p in places if p.exists()), None)
        if place is None:
            raise DataError(f"{shown(file)}: {name} is {said}, but there is no {places[0]}.")
        if place.is_file():
            found[name] = replace(_one_file(place), classes=classes)
        elif classes is not None:
            found[name] = ObjectPart(kind="yolo", labels=place, classes=classes)
        elif (part := _one_folder(place)) is not None:
            found[name] = part
        else:
            raise DataError(f"{shown(file)}: {name} is {said}, but no labels were found there.")
    if "train" not in found and "val" not in found:
        raise DataError(f"{shown(file)} names neither train nor val.")
    return found
