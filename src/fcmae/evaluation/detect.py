"""Run a detector over images, each exactly once, on one process or many."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from fcmae.data.batch import Batch
from fcmae.data.image_list import ImageList
from fcmae.data.objects.table import NO_NUMBER, Objects
from fcmae.errors import DataError
from fcmae.evaluation.coco import CocoScores, score
from fcmae.evaluation.detections import Detections, in_pixels
from fcmae.evaluation.forward import evaluating, gather_unusable
from fcmae.model.detector import Detector
from fcmae.process_group import Peers

IndexedDetections = Iterable[tuple[int, Detections]]
"""Index of each image, and what was found in it."""


@dataclass(frozen=True, kw_only=True)
class DetectionResult:
    """Average precision of a detector.

    Attributes:
        scores: Average precisions, of all classes and of each.
        images: Images that were looked at.
        found: What was found, as COCO writes results: image and category numbers are those of the
            label file.
        unusable: (path, reason) of the files that were left out.
    """

    scores: CocoScores
    images: int
    found: list[dict[str, Any]] = field(repr=False)
    unusable: list[tuple[str, str]] = field(default_factory=list)


def detect(
    model: Detector,
    batches: Iterable[Batch],
    peers: Peers | None = None,
    *,
    unusable: list[tuple[str, str]],
) -> Iterator[tuple[int, Detections]]:
    """Detects objects in each image of this rank's share.

    Args:
        model: The detector.
        batches: Images as ``Fit`` shows them.
        peers: Device and precision.
        unusable: Files that had to be left out are added to it.
    """
    peers = peers or Peers()
    with evaluating(model):
        for batch in batches:
            unusable += batch.unusable
            if not len(batch):
                continue
            if batch.targets is None:
                raise ValueError("a detector looks at images through Fit, which tells their sizes.")
            targets = list(batch.targets)
            fitted = [_size(target["fitted"]) for target in targets]
            with peers.autocast():
                found = model(batch.images.to(peers.device), fitted)
            for index, one, target, size in zip(
                batch.indices.tolist(), found, targets, fitted, strict=True
            ):
                yield index, in_pixels(one, fitted=size, original=_size(target["original"]))


def judge(
    found: IndexedDetections, images: ImageList, peers: Peers, *, unusable: list[tuple[str, str]]
) -> DetectionResult:
    """Compare what all processes found with the labels of the images.

    Args:
        found: What this process found in its share of the images.
        images: The images with their ``Objects``.
        peers: The processes.
        unusable: The files that this process had to leave out, complete once ``found`` is read.
    """
    objects = images.annotations
    if not isinstance(objects, Objects):
        raise DataError("there are no labels of objects to compare with.")
    lines = []
    for index, detections in found:
        entries = [
            {"label": int(detections.labels[i]), **detections.coco(i)}
            for i in range(len(detections))
        ]
        lines.append({"index": index, "found": entries})
    seen = {line["index"]: line["found"] for line in peers.together(lines)}
    if not seen:
        raise DataError("there is not one usable image to look at.")
    return DetectionResult(
        scores=score(objects, seen, images.classes or ()),
        images=len(seen),
        found=as_results(objects, seen),
        unusable=gather_unusable(unusable, peers),
    )


def as_results(objects: Objects, seen: dict[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Converts detections to the label file's category numbers; unknown classes are left out."""
    ids = objects.class_ids.tolist()
    return [
        {
            "image_id": int(objects.image_ids[index]),
            "category_id": ids[entry["label"]],
            **{name: value for name, value in entry.items() if name != "label"},
        }
        for index in sorted(seen)
        for entry in seen[index]
        if entry["label"] < len(ids) and ids[entry["label"]] != NO_NUMBER
    ]


def _size(values: torch.Tensor) -> tuple[int, int]:
    height, width = values.tolist()
    return height, width
