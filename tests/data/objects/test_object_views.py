"""Objects move with their image, at any scale."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from labels import coco, whole_mask, write_coco
from numpy.typing import NDArray
from torch.nn.functional import interpolate
from torch.testing import assert_close
from torchvision.ops import masks_to_boxes

from fcmae.data.feed import evaluation_batches
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.coco import read_coco
from fcmae.data.objects.rle import encode
from fcmae.data.objects.views import Fit, LargeScaleJitter, to_look_at
from fcmae.data.options import Jitter, Loader

PLAIN = Normalisation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
BOXES = np.array([[8, 6, 40, 30], [44, 10, 60, 50]], dtype=np.float32)


def scene(*, masks: bool = True) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.generic]]]:
    """A red and a green rectangle on black, 56 x 72 pixels."""
    picture = np.zeros((56, 72, 3), dtype=np.uint8)
    outlines = np.zeros((2, 56, 72), dtype=np.bool_)
    for number, (left, top, right, bottom) in enumerate(BOXES.astype(int).tolist()):
        picture[top:bottom, left:right, number] = 255
        outlines[number, top:bottom, left:right] = True
    annotation = {"boxes": BOXES, "labels": np.array([3, 5])}
    return picture, {**annotation, "outlines": as_runs(outlines)} if masks else annotation


def as_runs(masks: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Masks of the whole picture as labels have them."""
    height, width = masks.shape[1:]
    runs = [
        {"size": [height, width], "counts": encode(mask, size=(height, width))} for mask in masks
    ]
    return np.array([json.dumps(each).encode() for each in runs], dtype=np.object_)


@pytest.mark.parametrize("scale", [(0.3, 0.6), (0.9, 1.1), (1.5, 2.5)])
@pytest.mark.parametrize("masks", [True, False])
def test_boxes_and_masks_stay_on_their_objects(scale: tuple[float, float], masks: bool) -> None:
    picture, annotation = scene(masks=masks)
    view = LargeScaleJitter((64, 96), Jitter(scale=scale))
    seen = 0
    for seed in range(8):
        torch.manual_seed(seed)
        image, target = view(picture, annotation, PLAIN)
        assert image.shape == (3, 64, 96)
        height, width = target["fitted"].tolist()
        assert not image[:, height:].any()
        assert not image[:, :, width:].any()
        for number, (box, label) in enumerate(zip(target["boxes"], target["labels"], strict=True)):
            seen += 1
            bright = image[{3: 0, 5: 1}[int(label)]] > 0.5
            left, top, right, bottom = box.tolist()
            middle = bright[int((top + bottom) / 2), int((left + right) / 2)]
            assert middle
            around = masks_to_boxes(bright[None])[0] + torch.tensor([0, 0, 1, 1])
            assert_close(box, around, rtol=0, atol=2.6)
            if masks:
                differs = (target["masks"][number] ^ bright).sum() / bright.sum()
                assert differs < 0.35 if scale[0] < 0.5 else differs < 0.12
    assert seen > 5


def test_the_jitter_draws_all_sizes_evenly_and_mirrors_half() -> None:
    picture, annotation = scene(masks=False)
    view = LargeScaleJitter((56, 72))
    widths, mirrored = [], 0
    for seed in range(80):
        torch.manual_seed(seed)
        _, target = view(picture, annotation, PLAIN)
        widths.append(int(target["fitted"][1]))
        if len(target["boxes"]) == 2:
            mirrored += int(target["boxes"][0, 0] > target["boxes"][1, 0])
    shares = np.array(widths) / 72
    assert shares.max() == 1
    assert shares.min() < 0.2
    # From 0.1 to 2, evenly: a factor of 1 and more, which fills the view, is drawn 53 % of times.
    assert abs((shares == 1).mean() - 1 / 1.9) < 0.17
    assert mirrored > 5


def test_in_its_own_size_a_view_is_a_part_of_the_image() -> None:
    picture, annotation = scene()
    view = LargeScaleJitter((40, 48), Jitter(scale=(1.0, 1.0), flip=False), own_size=True)
    places = set()
    for seed in range(20):
        torch.manual_seed(seed)
        image, target = view(picture, annotation, PLAIN)
        assert target["fitted"].tolist() == [40, 48]
        seen = (image * 255).round().byte().permute(1, 2, 0).numpy()
        [place] = [
            (top, left)
            for top in range(17)
            for left in range(25)
            if (picture[top : top + 40, left : left + 48] == seen).all()
        ]
        places.add(place)
        for box, label in zip(target["boxes"], target["labels"], strict=True):
            whole = BOXES[{3: 0, 5: 1}[int(label)]] - np.tile(np.float32(place[::-1]), 2)
            assert_close(box, torch.tensor(whole).clamp(min=0).minimum(torch.tensor([48, 40] * 2)))
    assert len(places) > 10


def test_a_small_image_in_its_own_size_is_filled_up() -> None:
    picture, annotation = scene()
    view = LargeScaleJitter((96, 96), Jitter(scale=(1.0, 1.0), flip=False), own_size=True)
    image, target = view(picture, annotation, PLAIN)
    assert target["fitted"].tolist() == [56, 72]
    assert_close(target["boxes"], torch.tensor(BOXES))
    assert not image[:, 56:].any()


def test_an_object_that_a_crop_cuts_gets_the_box_of_what_is_left() -> None:
    picture, annotation = scene()
    corner = np.zeros((1, 56, 72), dtype=np.bool_)
    corner[0, 0, :] = corner[0, :, 0] = True  # an L: its box is the whole picture
    annotation = {
        "boxes": np.array([[0, 0, 72, 56]], dtype=np.float32),
        "labels": np.array([0]),
        "outlines": as_runs(corner),
    }
    view = LargeScaleJitter((56, 72), Jitter(scale=(2.0, 2.0), flip=False))
    for seed in range(20):
        torch.manual_seed(seed)
        _, target = view(picture, annotation, PLAIN)
        for box, mask in zip(target["boxes"], target["masks"], strict=True):
            assert_close(box, masks_to_boxes(mask[None])[0] + torch.tensor([0, 0, 1, 1]))


def stars(count: int, size: tuple[int, int]) -> tuple[NDArray[np.object_], NDArray[np.float32]]:
    """Outlines of two rings each, some of which leave the picture, and their boxes."""
    draw = np.random.default_rng(3)
    texts, boxes = [], []
    for _ in range(count):
        middle, angles = draw.uniform(0, size[::-1]), np.sort(draw.uniform(0, 2 * np.pi, 9))
        away = draw.uniform(2, 18, (9, 1)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        rings = [(middle + away).clip(-1, size[::-1]), (middle + 0.3 * away + 1).clip(-1)]
        texts.append(json.dumps([ring.ravel().tolist() for ring in rings]).encode())
        corners = np.concatenate(rings).clip(0, size[::-1])
        boxes.append([*corners.min(axis=0), *corners.max(axis=0)])
    return np.array(texts, dtype=np.object_), np.array(boxes, dtype=np.float32)


@pytest.mark.parametrize("scale", [(0.2, 0.5), (1.0, 1.0), (1.5, 3.0)])
def test_masks_are_those_of_the_whole_image_cut_and_resized(scale: tuple[float, float]) -> None:
    size = (90, 110)
    outlines, boxes = stars(12, size)
    whole = np.stack([whole_mask(json.loads(text), size) for text in outlines])
    picture = np.zeros((*size, 3), dtype=np.uint8)
    labels = np.arange(12)
    view = LargeScaleJitter((64, 64), Jitter(scale=scale, flip=False))
    found = 0
    for seed in range(6):
        torch.manual_seed(seed)
        _, target = view(picture, {"boxes": boxes, "labels": labels, "outlines": outlines}, PLAIN)
        torch.manual_seed(seed)
        region, fitted = placed(view, size)
        cut = torch.from_numpy(whole[:, region[0], region[1]]).to(torch.uint8)
        expected = interpolate(cut[None], size=fitted, mode="nearest-exact")[0].bool()
        for label, mask in zip(target["labels"].tolist(), target["masks"], strict=True):
            found += 1
            assert_close(mask[: fitted[0], : fitted[1]], expected[label], rtol=0, atol=0)
        hidden = set(labels.tolist()) - set(target["labels"].tolist())
        for mask in expected[sorted(hidden)]:  # no more than a pixel wide
            rows, columns = mask.any(dim=1), mask.any(dim=0)
            assert min(int(rows.sum()), int(columns.sum())) <= 1
    assert found > 20


def placed(view: LargeScaleJitter, size: tuple[int, int]) -> tuple[list[slice], list[int]]:
    """The region that a view draws next, and the height and width that it becomes."""
    low, high = view.jitter.factors(own_size=False)
    factor = (low + (high - low) * float(torch.rand(()))) * min(
        side / have for side, have in zip(view.size, size, strict=True)
    )
    parts, fitted = [], []
    for have, side in zip(size, view.size, strict=True):
        length = min(have, max(1, round(side / factor)))
        start = int(torch.randint(have - length + 1, ()))
        parts.append(slice(start, start + length))
        fitted.append(min(side, max(1, round(length * factor))))
    return parts, fitted


def test_without_objects_all_tensors_are_empty() -> None:
    picture, annotation = scene()
    none = {name: values[:0] for name, values in annotation.items()}
    _, target = LargeScaleJitter((32, 32))(picture, none, PLAIN)
    assert target["boxes"].shape == (0, 4)
    assert target["masks"].shape == (0, 32, 32)
    assert target["labels"].dtype == torch.int64


@pytest.mark.parametrize(
    ("shape", "fitted", "padded"),
    [((40, 60), (100, 150), (128, 160)), ((60, 40), (150, 100), (160, 128)),
     ((40, 100), (64, 160), (64, 160))],
)  # fmt: skip
def test_images_are_fitted_whichever_way_round(
    shape: tuple[int, int], fitted: tuple[int, int], padded: tuple[int, int]
) -> None:
    picture = np.full((*shape, 3), 255, dtype=np.uint8)
    image, target = Fit((100, 160), 32)(picture, {}, PLAIN)
    assert tuple(target["fitted"].tolist()) == fitted
    assert tuple(target["original"].tolist()) == shape
    assert image.shape == (3, *padded)
    assert (image[:, : fitted[0], : fitted[1]] == 1).all()
    assert image.sum() == 3 * fitted[0] * fitted[1]


def test_an_image_of_another_size_than_its_labels_say_is_left_out_and_named(tmp_path) -> None:
    content = coco()
    content["images"][0] |= {"height": 41}
    images = to_look_at(read_coco(write_coco(tmp_path, content)).images)
    batches = evaluation_batches(
        images, Fit((64, 64), 32), loader=Loader(workers=0), channels=3, batch_size=1
    )
    (batch,) = batches
    assert batch.indices.tolist() == [1]
    ((name, reason),) = batch.unusable
    assert name == "a.png"
    assert reason.startswith("it has 60 x 40 pixels (width x height), but its labels in")
    assert reason.endswith("are for 60 x 41")


def test_images_without_labels_can_be_looked_at(tmp_path) -> None:
    images = replace(read_coco(write_coco(tmp_path, coco())).images, annotations=None)
    batches = evaluation_batches(
        to_look_at(images), Fit((64, 64), 32), loader=Loader(workers=0), channels=3, batch_size=1
    )
    assert [batch.images.shape[-2:] for batch in batches] == [(64, 64), (64, 64)]
