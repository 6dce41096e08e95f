"""From a view's boxes and grids to pixels of the file, whole or by windows."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image
from torch import Tensor, nn

from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.tiles import Regions, Window, windows
from fcmae.evaluation.detections import Cutout, Detections, in_pixels, paste
from fcmae.evaluation.merge_windows import merge_windows
from fcmae.evaluation.tiled import Tiler, through_windows
from fcmae.model.detector import Detected, Detector
from fcmae.model.tiling import Tiling

PLAIN = Normalisation(mean=(0.0,), std=(1.0,))


def test_boxes_and_masks_come_back_to_the_pixels_of_the_file() -> None:
    found = Detected(
        boxes=torch.tensor([[10.0, 20, 30, 60]]),
        scores=torch.tensor([0.5]),
        labels=torch.tensor([2]),
        masks=torch.ones(1, 28, 28),
    )
    pixels = in_pixels(found, fitted=(80, 40), original=(40, 20))
    assert_allclose(pixels.boxes, [[5, 10, 15, 30]])
    assert pixels.masks is not None
    (cutout,) = pixels.masks
    assert (cutout.top, cutout.left, cutout.mask.shape) == (10, 5, (20, 10))
    assert cutout.mask.all()


def test_a_mask_is_read_at_the_centres_of_pixels() -> None:
    grid = torch.zeros(28, 28)
    grid[:, :14] = 1
    cutout = paste(grid, torch.tensor([3.5, 2.0, 13.5, 6.0]), (10, 20))
    # The box begins at 3.5, so its left half ends at 8.5, and column 8's centre lies on that.
    assert (cutout.top, cutout.left, cutout.mask.shape) == (2, 3, (4, 11))
    assert cutout.mask[:, 1:5].all()
    assert not cutout.mask[:, 6:].any()


def test_the_pixels_of_two_cutouts_are_joined_where_they_lie() -> None:
    one = Cutout(top=1, left=2, mask=np.ones((2, 3), dtype=np.bool_))
    other = Cutout(top=2, left=4, mask=np.ones((3, 3), dtype=np.bool_))
    for both in (one.union(other), other.union(one)):
        assert (both.top, both.left, both.mask.shape) == (1, 2, (4, 5))
        assert both.mask.sum() == 6 + 9 - 1


def test_what_was_found_is_reduced_with_its_image() -> None:
    whole = np.zeros((23, 31), dtype=np.bool_)
    whole[4:17, 7:26] = True
    for top, left in ((4, 7), (3, 6), (0, 0)):
        found = Detections(
            size=whole.shape,
            boxes=np.array([[7.0, 4, 26, 17]]),
            scores=np.array([1.0]),
            labels=np.array([0]),
            masks=[Cutout(top=top, left=left, mask=whole[top:, left:])],
        ).reduced(3)
        assert_allclose(found.boxes, [[7 / 3, 4 / 3, 26 / 3, 17 / 3]])
        assert found.masks is not None
        (cutout,) = found.masks
        again = np.zeros((8, 11), dtype=np.bool_)
        height, width = cutout.mask.shape
        again[cutout.top : cutout.top + height, cutout.left : cutout.left + width] = cutout.mask
        assert (again[:7, :10] == whole[1::3, 1::3][:7, :10]).all()


def test_entries_are_those_of_coco() -> None:
    mask = np.ones((2, 2), dtype=np.bool_)
    found = Detections(
        size=(4, 3),
        boxes=np.array([[1.0, 0.0, 3.0, 2.0], [0, 0, 1, 1]]),
        scores=np.array([0.123456, 0.05]),
        labels=np.array([0, 1]),
        masks=[Cutout(top=0, left=1, mask=mask)] * 2,
    )
    entry = found.coco(0)
    assert entry["bbox"] == [1, 0, 2, 2]
    assert entry["score"] == 0.12346
    assert entry["segmentation"] == {"size": [4, 3], "counts": "42200"}
    assert found.above(0.1).labels.tolist() == [0]


class Bright(Detector):
    """Finds the box around each value that occurs in a view; its class is the value."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.encoder = nn.Module()
        self.encoder.architecture = type("A", (), {"stride": 32})()

    def forward(self, images: Tensor, sizes: object = None) -> list[Detected]:
        return [self.find(image[0]) for image in images]

    def find(self, image: Tensor) -> Detected:
        values = [value for value in image.unique().tolist() if value > 0]
        rows = []
        for value in values:
            y, x = torch.nonzero(image == value, as_tuple=True)
            rows.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
        boxes = torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)
        seen = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
        return Detected(
            boxes=boxes,
            scores=seen / 1e4,  # the whole of an object is surer than a part
            labels=torch.tensor([round(value * 255) for value in values], dtype=torch.int64),
            masks=torch.ones(len(values), 28, 28),
        )


class Failing(Bright):
    """Finds no room."""

    def forward(self, images: Tensor, sizes: object = None) -> list[Detected]:
        raise RuntimeError("out of memory")


@dataclass
class Scene(Regions):
    """A picture of boxes, each of another brightness."""

    size: tuple[int, int]
    boxes: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)

    def read(self, window: Window) -> Picture:
        picture = np.zeros((*self.size, 1), dtype=np.uint8)
        for value, (left, top, right, bottom) in self.boxes.items():
            picture[top:bottom, left:right] = value
        return picture[window.slices]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_objects_that_windows_cut_are_found_once_and_whole(batch_size: int) -> None:
    boxes = {
        10: (5, 5, 25, 20),  # in one window
        20: (50, 10, 62, 30),  # in what two windows share
        30: (60, 60, 110, 75),  # cut by both
        40: (10, 100, 190, 120),  # through three windows
        50: (100, 40, 103, 150),  # and downwards
        60: (170, 170, 200, 200),  # at the border of the image
    }
    scene = Scene((200, 200), boxes)
    tiler = Tiler(model=Bright().eval(), tiling=Tiling(size=(80, 80)), batch_size=batch_size)
    counted: list[int] = []
    found = tiler(scene, PLAIN, done=counted.append)
    assert sum(counted) == tiler.num_windows((200, 200)) == len(windows((200, 200), (80, 80), 0.25))
    assert sorted(found.labels.tolist()) == sorted(boxes)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    assert found.masks is not None
    for label, box, cutout in zip(found.labels, found.boxes, found.masks, strict=True):
        left, top, right, bottom = boxes[int(label)]
        assert_allclose(box, (left, top, right, bottom))
        assert (cutout.top, cutout.left) == (top, left)
        assert cutout.mask.shape == (bottom - top, right - left)
        assert cutout.mask.all()


def test_objects_in_different_windows_stay_two() -> None:
    scene = Scene((80, 140), {10: (10, 10, 30, 30), 11: (100, 10, 120, 30)})
    model = Bright().eval()
    found = Tiler(model=model, tiling=Tiling(size=(80, 80)))(scene, PLAIN)
    assert len(found) == 2


LEFT = Window(top=0, left=0, height=80, width=80)
RIGHT = Window(top=0, left=60, height=80, width=80)


def seen(*boxes: tuple[float, float, float, float], scores: tuple[float, ...]) -> Detections:
    """Boxes of one class in the pixels of a window."""
    return Detections(
        size=(80, 80),
        boxes=np.array(boxes, dtype=np.float64),
        scores=np.array(scores),
        labels=np.zeros(len(boxes), dtype=np.int64),
        masks=None,
    )


def test_a_box_that_ends_just_inside_its_window_is_a_part_if_another_window_saw_more() -> None:
    # One object from 50 to 110: the left window says that it ends 4 px before the edge.
    one = seen((50, 10, 76, 40), scores=(0.9,))
    other = seen((2, 10, 50, 40), scores=(0.5,))
    found = merge_windows([one, other], [LEFT, RIGHT], (80, 140))
    assert_allclose(found.boxes, [[50, 10, 110, 40]])
    assert found.scores.tolist() == [0.9]


def test_a_box_that_ends_well_inside_its_window_is_believed() -> None:
    one = seen((50, 10, 70, 40), scores=(0.9,))
    other = seen((0, 10, 25, 40), scores=(0.5,))
    found = merge_windows([one, other], [LEFT, RIGHT], (80, 140))
    assert_allclose(found.boxes, [[50, 10, 70, 40]])


def test_two_boxes_of_one_window_stay_two_if_both_agree_with_one_of_another() -> None:
    # In the 20 px that both windows show, both boxes of the left one look like the right one's.
    one = seen((10, 10, 80, 40), (59, 8, 80, 38), scores=(0.9, 0.8))
    other = seen((0, 10, 22, 40), scores=(0.7,))
    found = merge_windows([one, other], [LEFT, RIGHT], (80, 140))
    assert_allclose(found.boxes, [[10, 10, 82, 40], [59, 8, 80, 38]])


def test_an_empty_image_has_no_object() -> None:
    found = Tiler(model=Bright().eval(), tiling=Tiling(size=(64, 64)))(Scene((100, 100)), PLAIN)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_an_error_of_the_model_is_not_one_of_the_image(tmp_path: Path) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "sound.png")
    images = ImageList.of(tmp_path, [b"sound.png"])
    model, unusable = Failing(), list[tuple[str, str]]()
    model.encoder.architecture.channels = 1  # type: ignore[attr-defined]
    tiler = Tiler(model=model, tiling=Tiling(size=(32, 32)))
    loader = Loader(mean=(0.0,), std=(1.0,))
    with pytest.raises(RuntimeError, match="out of memory"):
        list(through_windows(tiler, images, loader, unusable=unusable))
    assert not unusable
