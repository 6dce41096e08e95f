"""Labels of objects in one folder or file, without parts."""

from pathlib import Path

from fcmae.data.naming import shown
from fcmae.data.objects.numbered_files import numbered_part
from fcmae.data.objects.part import ObjectFormat, ObjectPart
from fcmae.data.objects.recognise import is_coco, numbers_beside
from fcmae.data.objects.yolo_files import labels_folder
from fcmae.errors import DataError

WAYS = (
    "a COCO .json, a folder with annotations/instances_train.json and instances_val.json, a folder "
    "with images and labels (YOLO) or Annotations and JPEGImages (Pascal VOC), a folder with "
    "images and masks (a number for each object), a .txt that lists images (YOLO), or a .yaml "
    "that names train and val"
)
XMLS = ("Annotations", "annotations", "annotations/xmls", "labels", ".")
"""Folders in which XML files of Pascal VOC are."""

MANY = 20
"""Of more .json files in a folder, none is COCO's: a file of it names many images."""


def one_file(file: Path) -> ObjectPart:
    """A file of COCO's labels, or a list of images with YOLO's.

    Raises:
        DataError: It is neither.
    """
    kinds: dict[str, ObjectFormat] = {".json": "coco", ".txt": "yolo"}
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise DataError(f"{shown(file)} names no objects: give {WAYS}.")
    return ObjectPart(kind=kind, labels=file)


def one_folder(folder: Path) -> ObjectPart | None:
    """The labels in one folder, or None."""
    coco = list(folder.glob("*.coco.json"))
    if len(coco) == 1:
        return ObjectPart(kind="coco", labels=coco[0], images=folder)
    if len(coco := coco_beside(folder)) == 1:
        return ObjectPart(kind="coco", labels=coco[0])
    if (voc := voc_folder(folder)) is not None:
        return voc
    images = folder / "images" if (folder / "images").is_dir() else folder
    if labels_folder(images) != images or numbers_beside(images):
        return ObjectPart(kind="yolo", labels=images)
    return numbered_part(folder)


def coco_beside(folder: Path) -> list[Path]:
    """COCO's files directly in a folder."""
    files = sorted(folder.glob("*.json"))
    return [file for file in files if is_coco(file)] if len(files) <= MANY else []


def voc_folder(folder: Path) -> ObjectPart | None:
    """The XML files of a folder, or None."""
    for labels in (folder / name for name in XMLS):
        if next(labels.glob("*.xml"), None):
            return ObjectPart(kind="voc", labels=labels, images=voc_images(folder))
    return None


def voc_images(folder: Path) -> Path:
    """The folder of the images beside VOC's XML files."""
    named = [folder / name for name in ("JPEGImages", "images") if (folder / name).is_dir()]
    return named[0] if named else folder
