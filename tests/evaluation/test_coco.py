"""Average precision against pycocotools, and detections in the pixels of the file."""

import copy
import io
import json
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fcmae.data.image_list import ImageList
from fcmae.data.objects.rle import compress, encode
from fcmae.data.objects.table import Objects
from fcmae.evaluation.coco import ground_truth, score
from fcmae.evaluation.detect import as_results, judge
from fcmae.evaluation.detections import Cutout, Detections
from fcmae.process_group import Peers

CLASSES = ("cat", "dog", "owl")
SIZE = (160, 200)


def ellipse(box: np.ndarray) -> np.ndarray:
    left, top, right, bottom = box
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    across = (x - (left + right) / 2) / max(right - left, 1)
    down = (y - (top + bottom) / 2) / max(bottom - top, 1)
    mask: np.ndarray = across**2 + down**2 <= 0.25
    mask[int(top), int(left)] = True  # never empty
    return mask


def boxes(draw: np.random.Generator, number: int) -> np.ndarray:
    sides = draw.choice([12.0, 60.0, 120.0], (number, 1)) * draw.uniform(0.7, 1.1, (number, 2))
    corner = draw.uniform(0, 1, (number, 2)) * (np.array([SIZE[1], SIZE[0]]) - sides)
    return np.concatenate([corner, corner + sides], axis=1)


def labelled(seed: int, num_images: int = 6) -> Objects:
    """Ellipses of all sizes; one in ten is a crowd region, and one class has no object."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(0, 6, num_images)
    found = boxes(draw, int(counts.sum()))
    texts = [
        json.dumps({"size": list(SIZE), "counts": encode(ellipse(box), size=SIZE)}).encode()
        for box in found
    ]
    return Objects(
        source="labels.json",
        sizes=np.tile(np.array(SIZE), (num_images, 1)),
        image_ids=np.arange(num_images) * 7 + 100,
        first=np.cumsum([0, *counts.tolist()]),
        boxes=found,
        classes=draw.integers(0, 2, len(found)),
        class_ids=np.array([3, 5, 9]),
        crowd=draw.random(len(found)) < 0.1,
        areas=np.array([float(ellipse(box).sum()) for box in found]),
        blob=b"".join(texts),
        offsets=np.cumsum([0, *map(len, texts)]),
    )


def found_in(objects: Objects, index: int, seed: int) -> Detections:
    """Most objects, moved a little, some with another class, and a few that are not there."""
    draw = np.random.default_rng([seed, index])
    there = objects.boxes[objects.of_image(index)]
    moved = there + draw.normal(0, 3, there.shape)
    found = np.concatenate([moved, boxes(draw, 4)]).clip(0, [SIZE[1], SIZE[0]] * 2)
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 2)
    labels = np.concatenate([objects.classes[objects.of_image(index)], draw.integers(0, 3, 4)])
    masks = [Cutout(top=0, left=0, mask=ellipse(box.clip(0, 158))) for box in found]
    return Detections(
        size=SIZE,
        boxes=found,
        scores=draw.random(len(found)).round(3),
        labels=labels.astype(np.int64),
        masks=masks,
    )


def by_pycocotools(truth: dict[str, Any], results: list[dict[str, Any]], kind: str) -> COCOeval:
    with redirect_stdout(io.StringIO()):
        labels = COCO()
        labels.dataset = copy.deepcopy(truth)
        labels.createIndex()
        evaluation = COCOeval(labels, labels.loadRes(copy.deepcopy(results)), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("seed", range(3))
def test_all_numbers_are_those_of_pycocotools(seed: int) -> None:
    objects = labelled(seed)
    seen = {
        index: [
            {"label": int(found.labels[i]), **found.coco(i)}
            for found in [found_in(objects, index, seed)]
            for i in range(len(found))
        ]
        for index in range(len(objects.sizes))
    }
    scores = score(objects, seen, CLASSES)
    truth = ground_truth(objects, sorted(seen), CLASSES, masks=True)
    entries = [
        {"image_id": index + 1, "category_id": e["label"] + 1, **e}
        for index, some in seen.items()
        for e in some
    ]
    assert scores.masks is not None
    for kind, drop, ours in (
        ("bbox", "segmentation", scores.boxes),
        ("segm", "bbox", scores.masks),
    ):
        results = [{k: v for k, v in e.items() if k != drop} for e in entries]
        evaluation = by_pycocotools(truth, results, kind)
        expected = [None if x == -1 else pytest.approx(x, abs=1e-6) for x in evaluation.stats[:6]]
        assert list(asdict(ours).values()) == expected
        of_class = evaluation.eval["precision"][:, :, :, 0, 2]
        for place, row in enumerate(scores.per_class):
            values = of_class[:, :, place]
            mean = values[values > -1].mean() if (values > -1).any() else None
            value = row.box_ap if kind == "bbox" else row.mask_ap
            assert value == (None if mean is None else pytest.approx(mean, abs=1e-6))
    assert 0.05 < (scores.boxes.ap or 0) < 0.95
    assert scores.per_class[2].box_ap is None
    expected_counts = np.bincount(objects.classes[~objects.crowd], minlength=3).tolist()
    assert [row.objects for row in scores.per_class] == expected_counts


def test_whatever_is_found_in_no_image_counts_as_nothing() -> None:
    objects = labelled(1)
    scores = score(objects, {index: [] for index in range(6)}, CLASSES)
    assert scores.boxes.ap == 0
    assert scores.masks is not None
    assert scores.masks.ap == 0


def test_only_images_that_were_looked_at_are_judged() -> None:
    objects = labelled(2)
    some = max(range(6), key=lambda index: len(objects.of_image(index)))
    perfect = [
        {
            "label": int(objects.classes[number]),
            "bbox": [left, top, right - left, bottom - top],
            "score": 0.9,
            "segmentation": {"size": list(SIZE), "counts": compress(runs["counts"])},
        }
        for number in objects.of_image(some)
        if not objects.crowd[number]
        for left, top, right, bottom in [objects.boxes[number].tolist()]
        for runs in [json.loads(objects.outline(number))]
    ]
    assert score(objects, {some: perfect}, CLASSES).boxes.ap == 1
    assert score(objects, {0: [], some: perfect}, CLASSES).boxes.ap is not None


def test_results_carry_the_numbers_of_the_label_file() -> None:
    objects = labelled(3)
    entry = {"label": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    found = as_results(objects, {2: [entry, {**entry, "label": 7}]})
    assert found == [{"image_id": 114, "category_id": 5, "bbox": [1, 2, 3, 4], "score": 0.5}]


def test_each_image_counts_once_over_processes(tmp_path: Path) -> None:
    import torch

    objects = labelled(4)
    names = [f"{i}.png".encode() for i in range(6)]
    images = ImageList.of(tmp_path, names, classes=CLASSES, annotations=objects)
    parts: list[list[tuple[int, Detections]]] = [[], []]
    for index in range(6):
        parts[index % 2].append((index, found_in(objects, index, 4)))
    sent: list[torch.Tensor] = []
    alone = judge(parts[0] + parts[1], images, Peers(), unusable=[("x.png", "gone")])

    def keep(rows: torch.Tensor) -> torch.Tensor:
        sent.append(rows)
        return rows

    judge(parts[1], images, Peers(rank=1, size=2, gather=keep), unusable=[])
    others = iter(sent)
    both = judge(
        parts[0],
        images,
        Peers(size=2, gather=lambda rows: torch.cat([rows, next(others)])),
        unusable=[("x.png", "gone")],
    )
    assert both.scores == alone.scores
    assert both.images == alone.images == 6
    assert both.found == alone.found
    assert both.unusable == [("x.png", "gone")]
