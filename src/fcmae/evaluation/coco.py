"""COCO's average precision, of boxes and masks, computed by faster-coco-eval."""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from fcmae.data.objects.table import Objects

Entries = Mapping[int, Sequence[Mapping[str, Any]]]
"""For each image that was looked at, by its index: label, bbox, score and segmentation."""


@dataclass(frozen=True, kw_only=True)
class CocoPrecision:
    """COCO's numbers, between 0 and 1; None where there is no such object.

    Attributes:
        ap: Average precision, the mean over overlaps of 0.5 to 0.95.
        ap50: At an overlap of 0.5.
        ap75: At an overlap of 0.75.
        small: ``ap`` of objects below 32 x 32 pixels.
        medium: ``ap`` of objects between those.
        large: ``ap`` of objects of 96 x 96 pixels and more.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    small: float | None
    medium: float | None
    large: float | None


@dataclass(frozen=True, kw_only=True)
class ClassPrecision:
    """One row of the table per class.

    Attributes:
        name: The class.
        objects: How many there are, crowd regions not counted.
        box_ap: Average precision of boxes; None without objects.
        mask_ap: The same of masks; None without masks too.
    """

    name: str
    objects: int
    box_ap: float | None
    mask_ap: float | None = None


@dataclass(frozen=True, kw_only=True)
class CocoScores:
    """Average precisions of a detector.

    Attributes:
        boxes: Of boxes.
        masks: Of masks, where labels and detector have them.
        per_class: One row per class.
    """

    boxes: CocoPrecision
    masks: CocoPrecision | None
    per_class: list[ClassPrecision]


def require_coco_eval() -> None:
    """Refuse to begin what will end with an evaluation that is not installed."""
    if importlib.util.find_spec("faster_coco_eval") is None:
        raise ValueError(
            "average precision is computed by faster-coco-eval, which is not installed: "
            'pip install "fcmae[detect]".'
        )


def score(objects: Objects, found: Entries, classes: Sequence[str]) -> CocoScores:
    """Average precision over the images that were looked at."""
    masks = objects.outlined and len(objects) > 0 and _has_masks(found)
    truth = ground_truth(objects, sorted(found), classes, masks=masks)
    boxes, box_aps = _evaluate(truth, _results(found, "bbox"), "bbox", len(classes))
    rows = [
        ClassPrecision(name=name, objects=count, box_ap=ap)
        for name, count, ap in zip(classes, _counts(truth, len(classes)), box_aps, strict=True)
    ]
    if not masks:
        return CocoScores(boxes=boxes, masks=None, per_class=rows)
    of_masks, mask_aps = _evaluate(truth, _results(found, "segmentation"), "segm", len(classes))
    with_masks = [replace(row, mask_ap=ap) for row, ap in zip(rows, mask_aps, strict=True)]
    return CocoScores(boxes=boxes, masks=of_masks, per_class=with_masks)


def ground_truth(
    objects: Objects, indices: Sequence[int], classes: Sequence[str], *, masks: bool
) -> dict[str, Any]:
    """The labels of these images as COCO has them; images and classes are numbered by place."""
    images = [
        {"id": index + 1, "height": int(height), "width": int(width)}
        for index in indices
        for height, width in [objects.sizes[index]]
    ]
    annotations = []
    for index in indices:
        for number in objects.of_image(index):
            left, top, right, bottom = objects.boxes[number].tolist()
            outline = {"segmentation": json.loads(objects.outline(number))} if masks else {}
            annotations.append(
                {
                    "id": number + 1,
                    "image_id": index + 1,
                    "category_id": int(objects.classes[number]) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": float(objects.areas[number]),
                    "iscrowd": int(objects.crowd[number]),
                    **outline,
                }
            )
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(classes)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _has_masks(found: Entries) -> bool:
    """True if the detector finds masks; one that found nothing at all is judged by them too."""
    entries = [entry for some in found.values() for entry in some]
    return all("segmentation" in entry for entry in entries)


def _results(found: Entries, what: Literal["bbox", "segmentation"]) -> list[dict[str, Any]]:
    """COCO's list of results. A mask must come without its box, or that would tell its size."""
    return [
        {
            "image_id": index + 1,
            "category_id": entry["label"] + 1,
            "score": entry["score"],
            what: entry[what],
        }
        for index, entries in found.items()
        for entry in entries
    ]


def _counts(truth: Mapping[str, Any], num_classes: int) -> list[int]:
    labels = [a["category_id"] - 1 for a in truth["annotations"] if not a["iscrowd"]]
    counts: list[int] = np.bincount(
        np.array(labels, dtype=np.int64), minlength=num_classes
    ).tolist()
    return counts


def _evaluate(
    truth: dict[str, Any], results: list[dict[str, Any]], kind: str, num_classes: int
) -> tuple[CocoPrecision, list[float | None]]:
    """The numbers over all classes, and the average precision of each."""
    from faster_coco_eval import COCO, COCOeval_faster

    labels = COCO(truth)
    found = labels.loadRes(results) if results else COCO({**truth, "annotations": []})
    evaluation = COCOeval_faster(labels, found, kind, print_function=lambda *_: None)
    evaluation.evaluate()
    evaluation.accumulate()
    # Overlap, recall, class, size (all, small, medium, large), most objects (1, 10, 100).
    precision = evaluation.eval["precision"].reshape(10, 101, num_classes, 4, 3)[..., 2]
    numbers = CocoPrecision(
        ap=_mean(precision[..., 0]),
        ap50=_mean(precision[0, ..., 0]),
        ap75=_mean(precision[5, ..., 0]),
        small=_mean(precision[..., 1]),
        medium=_mean(precision[..., 2]),
        large=_mean(precision[..., 3]),
    )
    return numbers, [_mean(precision[:, :, i, 0]) for i in range(num_classes)]


def _mean(precision: Any) -> float | None:
    """The mean of what is defined: -1 stands where there are no objects."""
    defined = precision[precision > -1]
    return float(defined.mean()) if defined.size else None
