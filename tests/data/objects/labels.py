"""Sound labels of three kinds over two small pictures, for tests to damage."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.objects.outlines import mask_at

SIZES = {"a": (40, 60), "b": (30, 20)}
"""Height and width of each picture."""


def whole_mask(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """A COCO segmentation in every row and column of an image of this height and width."""
    return mask_at(json.dumps(segmentation).encode(), size, *map(np.arange, size))


def pictures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (height, width) in SIZES.items():
        Image.new("RGB", (width, height), "grey").save(folder / f"{name}.png")


def coco() -> dict[str, Any]:
    """One polygon, one crowd region of runs, and one box without an outline's worth of trouble."""
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "height": 40, "width": 60},
            {"id": 3, "file_name": "b.png", "height": 30, "width": 20},
        ],
        "annotations": [
            {
                "id": 11,
                "image_id": 7,
                "category_id": 90,
                "bbox": [10, 5, 20, 10],
                "area": 200,
                "iscrowd": 0,
                "segmentation": [[10, 5, 30, 5, 30, 15, 10, 15]],
            },
            {
                "id": 12,
                "image_id": 3,
                "category_id": 1,
                "bbox": [0, 0, 20, 2],
                "area": 40,
                "iscrowd": 1,
                "segmentation": {"size": [30, 20], "counts": [0, 2] + [28, 2] * 19 + [28]},
            },
            {
                "id": 13,
                "image_id": 7,
                "category_id": 1,
                "bbox": [50, 30, 10, 10],
                "area": 50,
                "segmentation": [[50, 30, 60, 30, 60, 40]],
            },
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}],
    }


def write_coco(root: Path, content: Any) -> Path:
    pictures(root / "train")
    file = root / "annotations" / "instances_train.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def write_yolo(root: Path, lines: str, names: str = "names: [person, toothbrush]") -> Path:
    """The same toothbrush as a box, the same person as a triangle."""
    pictures(root / "images" / "train")
    labels = root / "labels" / "train"
    labels.mkdir(parents=True)
    (labels / "a.txt").write_text(lines)
    file = root / "data.yaml"
    file.write_text(f"path: .\ntrain: images/train\n{names}\n")
    return file


YOLO = "1 0.33333333 0.25 0.33333333 0.25\n0 0.83333333 0.75 1 0.75 1 1\n"

VOC = """<annotation>
  <filename>a.png</filename>
  <size><width>60</width><height>40</height><depth>3</depth></size>
  <object>
    <name>toothbrush</name>
    <bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>15</ymax></bndbox>
  </object>
  <object>
    <name>person</name><difficult>1</difficult>
    <bndbox><xmin>51</xmin><ymin>31</ymin><xmax>60</xmax><ymax>40</ymax></bndbox>
  </object>
</annotation>
"""


def write_voc(root: Path, text: str | bytes) -> Path:
    pictures(root / "JPEGImages")
    folder = root / "Annotations"
    folder.mkdir(parents=True)
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "a.xml").write_bytes(content)
    return root
