"""Place of the labels of one part of a data set with objects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ObjectFormat = Literal["coco", "yolo", "voc", "numbers"]
"""How objects are written; numbers are label images in which each object has its own."""


@dataclass(frozen=True, kw_only=True)
class ObjectPart:
    """Place of the labels of one part of a data set.

    Attributes:
        kind: How they are written.
        labels: COCO's file, YOLO's folder or list of images, VOC's folder of XML files, or the
            folder of label images.
        more: YOLO: further folders or lists of images.
        images: Folder of the images, where the labels do not say.
        texts: YOLO: folder of the text files, where it is not the usual one.
        names: VOC: names of the XML files of this part; by default all.
        classes: Names of the classes, where something beside the labels tells.
        keypoints: YOLO: how many numbers follow each box.
    """

    kind: ObjectFormat
    labels: Path
    more: tuple[Path, ...] = ()
    images: Path | None = None
    texts: Path | None = None
    names: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    keypoints: int = 0
