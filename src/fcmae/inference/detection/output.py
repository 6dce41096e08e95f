"""Files that detecting writes: COCO's JSON, GeoJSON, pictures."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.analysis.object_pictures import draw
from fcmae.data.image_list import ImageList
from fcmae.data.naming import distinct_stems
from fcmae.data.trace import polygons
from fcmae.evaluation.detections import Detections
from fcmae.files.durable import write_synced
from fcmae.files.journal import Journal
from fcmae.files.together import begin, end
from fcmae.inference.prologue import TrainedModel
from fcmae.process_group import Peers

RESULTS = "detections.json"
"""COCO's file of all objects."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Number of images that all processes looked at, and the class of each object found."""

    images: int
    labels: list[str]


class DetectionOutput:
    """The files of a folder.

    Args:
        folder: Where to write.
        images: The images that are looked at.
        trained: The detector, which knows its classes and the limits for images to draw on.
    """

    def __init__(self, folder: Path, images: ImageList, trained: TrainedModel) -> None:
        self.folder, self.images, self.loader = folder, images, trained.loader
        self.channels, weights = trained.channels, trained.weights
        self.classes = weights.classes or [
            str(i) for i in range(weights.description["num_classes"])
        ]
        self.class_ids = weights.card.class_ids or list(range(1, len(self.classes) + 1))
        self.stems = distinct_stems([images.name(i) for i in range(len(images))])
        self._lines: list[dict[str, Any]] = []
        self._journal: Journal | None = None

    def begin(self, *, pictures: bool, outlines: bool, peers: Peers) -> None:
        """Make room for what will be written."""
        endings = [name for name, wanted in (("png", pictures), ("geojson", outlines)) if wanted]
        names = [f"{stem}.{ending}" for stem in self.stems for ending in endings]
        self._journal = begin(self.folder, [RESULTS, *names], peers)

    def add(self, index: int, found: Detections) -> None:
        """Take down the objects of an image for COCO's file."""
        entries = [
            {"category_id": self.class_ids[int(found.labels[i])], **_as_label(found, i)}
            for i in range(len(found))
        ]
        height, width = found.size
        image = {
            "id": index + 1,
            "file_name": self.images.name(index),
            "height": height,
            "width": width,
        }
        self._lines.append({"image": image, "objects": entries})

    def draw(self, index: int, found: Detections) -> None:
        """Draw the objects over their image, reduced if it has more pixels than images may have.

        Raises:
            UnusableImage: It cannot be decoded.
        """
        with self._writing(f"{self.stems[index]}.png") as path:
            draw(
                self.images,
                index,
                found,
                self.classes,
                path,
                channels=self.channels,
                loader=self.loader,
            )

    def outline(self, index: int, found: Detections) -> None:
        """Write the outlines of an image's objects."""
        features = [_feature(found, number, self.classes) for number in range(len(found))]
        content = {"type": "FeatureCollection", "features": features}
        self._write(f"{self.stems[index]}.geojson", content)

    def finish(self, peers: Peers) -> Counted:
        """Write COCO's file of what all processes found, if they looked at anything."""
        lines = sorted(peers.together(self._lines), key=lambda line: line["image"]["id"])
        objects = [
            {"id": 0, "image_id": line["image"]["id"], **entry}
            for line in lines
            for entry in line["objects"]
        ]
        for number, entry in enumerate(objects, start=1):
            entry["id"] = number
        if peers.leads and lines:
            pairs = zip(self.class_ids, self.classes, strict=True)
            content = {
                "images": [line["image"] for line in lines],
                "annotations": objects,
                "categories": [{"id": number, "name": name} for number, name in pairs],
            }
            self._write(RESULTS, content)
        assert self._journal is not None
        end(self._journal, peers)
        names = dict(zip(self.class_ids, self.classes, strict=True))
        return Counted(images=len(lines), labels=[names[entry["category_id"]] for entry in objects])

    def _write(self, name: str, content: dict[str, Any]) -> None:
        with self._writing(name) as path:
            write_synced(path, f"{json.dumps(content)}\n".encode())

    def _writing(self, name: str) -> AbstractContextManager[Path]:
        assert self._journal is not None
        return self._journal.writing(name)


def _as_label(found: Detections, number: int) -> dict[str, Any]:
    """An object as COCO writes labels, with its score."""
    entry = found.coco(number)
    if found.masks is not None:
        area = float(found.masks[number].mask.sum())
    else:
        area = entry["bbox"][2] * entry["bbox"][3]
    return {**entry, "area": area, "iscrowd": 0}


def _feature(found: Detections, number: int, classes: Sequence[str]) -> dict[str, Any]:
    """An object as GeoJSON, in pixels: x to the right and y down from the upper left corner."""
    if found.masks is None:
        left, top, right, bottom = found.boxes[number].tolist()
        ring = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    else:
        cutout = found.masks[number]
        parts = polygons(cutout.mask, top=cutout.top, left=cutout.left)
        geometry = {"type": "MultiPolygon", "coordinates": parts}
    properties = {
        "class": classes[int(found.labels[number])],
        "score": round(float(found.scores[number]), 5),
    }
    return {"type": "Feature", "properties": properties, "geometry": geometry}
