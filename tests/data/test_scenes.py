"""Labels that have places in an image: read, moved with it, joined into batches, sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.testing import assert_close
from torchvision.transforms import v2

from fcmae.data import workers
from fcmae.data.annotations import Annotation, Annotations
from fcmae.data.augment import Pretraining
from fcmae.data.batch import Batch
from fcmae.data.feed import Feed, evaluation_batches
from fcmae.data.held_out import hold_out
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.scene import AsItIs, SceneView, from_scene, to_scene
from fcmae.data.targets import Targets, ViewTarget
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


@dataclass(frozen=True)
class Squares(Annotations):
    """Bright squares on dark pictures: as label map, as boxes and masks, and their number."""

    numbers: tuple[int, ...]
    names: tuple[int, ...] = (0, 1)
    wrong: int = -1

    def read(self, index: int, size: tuple[int, int]) -> Annotation:
        number = self.numbers[index]
        if number == self.wrong:
            raise UnusableImage(f"{number}.png", "its labels are wrong")
        boxes = squares(number)
        masks = np.zeros((len(boxes), *size), dtype=np.bool_)
        for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
            mask[top:bottom, left:right] = True
        table = np.array(self.names, dtype=np.int16)
        return {
            "mask": table[masks.any(axis=0).astype(np.int64)],
            "boxes": np.array(boxes, dtype=np.float32).reshape(-1, 4),
            "masks": masks,
            "number": np.array([number], dtype=np.int64),
        }

    def subset(self, indices: NDArray[np.int64]) -> "Squares":
        return replace(self, numbers=tuple(self.numbers[i] for i in indices.tolist()))

    def renumbered(self, table: NDArray[np.int64]) -> "Squares":
        return replace(self, names=tuple(int(table[name]) for name in self.names))

    def fingerprint(self) -> str:
        return str(self)


def squares(number: int) -> list[tuple[int, int, int, int]]:
    """None to two squares: left, top, right, bottom."""
    both = [(3 + number, 4, 9 + number, 10), (5, 16, 9, 20)]
    return both[: number % 3]


@dataclass(frozen=True)
class Turning(SceneView):
    """Flips and crops, as a view for training would."""

    size: tuple[int, int] = (16, 16)

    def __call__(
        self, picture: Picture, annotation: Annotation, normalise: Normalisation
    ) -> tuple[Float[Tensor, "c h w"], ViewTarget]:
        change = v2.Compose(
            [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), v2.RandomCrop(self.size)]
        )
        image, target = change(*to_scene(picture, annotation))
        return from_scene(image, normalise), target


@pytest.fixture
def scenes(tmp_path: Path) -> ImageList:
    for number in range(9):
        picture = np.full((24, 20 + number, 3), 50, dtype=np.uint8)
        for left, top, right, bottom in squares(number):
            picture[top:bottom, left:right] = 250
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    return replace(
        find_images(tmp_path), annotations=Squares(tuple(range(9))), classes=("dark", "bright")
    )


def run(images: ImageList, *, first_step: int = 0, num_workers: int = 0, **how: int) -> list[Batch]:
    settings = {"batch_size": 4, "micro_batch": 4} | how
    source = Feed(
        images,
        Turning(),
        seed=3,
        loader=Loader(workers=num_workers, **PLAIN),
        channels=3,
        repeats=2,
    )
    return list(source.batches(first_step=first_step, last_step=8, **settings))


def assert_same(actual: list[Batch], expected: list[Batch]) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert_close(one.images, other.images, rtol=0, atol=0)
        assert one.targets is not None
        assert other.targets is not None
        assert one.targets.shapes == other.targets.shapes
        assert_close(one.targets.values, other.targets.values, rtol=0, atol=0)


def targets_of(batch: Batch) -> Targets:
    assert batch.targets is not None
    return batch.targets


def test_labels_move_with_the_image(scenes: ImageList) -> None:
    counts = set()
    for batch in run(scenes):
        for image, target in zip(batch.images, targets_of(batch), strict=True):
            bright = image[0] > 0.5
            assert_close(target["mask"].bool(), bright)
            assert_close(target["masks"].any(dim=0), bright)
            counts.add(len(target["boxes"]))
            for (left, top, right, bottom), mask in zip(
                target["boxes"].int().tolist(), target["masks"], strict=True
            ):
                inside = torch.zeros_like(mask)
                inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
                assert_close(inside, mask)
    assert counts == {0, 1, 2}


@pytest.mark.parametrize("by_pipe", [False, True])
def test_labels_do_not_depend_on_workers_nor_on_where_a_run_began(
    by_pipe: bool, scenes: ImageList, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(scenes)
    monkeypatch.setattr(workers, "_fits_shared_memory", lambda num_bytes: not by_pipe)
    assert_same(run(scenes, num_workers=2), expected)
    assert_same(run(scenes, num_workers=1, first_step=5), expected[5:])


def test_two_processes_see_what_one_sees(scenes: ImageList) -> None:
    parts = [run(scenes, rank=rank, world=2) for rank in (0, 1)]
    for one, *halves in zip(run(scenes), *parts, strict=True):
        together = [target for half in halves for target in targets_of(half)]
        for target, expected in zip(together, targets_of(one), strict=True):
            assert_close(target, expected, rtol=0, atol=0)


def test_wrong_labels_are_an_unusable_image(scenes: ImageList) -> None:
    images = replace(scenes, annotations=Squares(tuple(range(9)), wrong=4))
    batches = run(images)
    named = {entry for batch in batches for entry in batch.unusable}
    assert named == {("4.png", "its labels are wrong")}
    numbers = [int(target["number"]) for batch in batches for target in targets_of(batch)]
    assert 4 not in numbers
    assert 4 in torch.cat([batch.indices for batch in batches]).tolist()


def test_images_in_their_own_size_come_one_by_one(scenes: ImageList) -> None:
    loader = Loader(workers=0, **PLAIN)
    batches = list(evaluation_batches(scenes, AsItIs(), loader=loader, channels=3, batch_size=1))
    assert [batch.images.shape[-2:] for batch in batches] == [(24, 20 + i) for i in range(9)]
    for batch in batches:
        assert_close(targets_of(batch)[0]["mask"].bool(), batch.images[0, 0] > 0.5)


def test_images_without_labels_have_no_targets(scenes: ImageList) -> None:
    images, loader = replace(scenes, annotations=None), Loader(workers=0)
    batch = next(evaluation_batches(images, AsItIs(), loader=loader, channels=3, batch_size=1))
    assert batch.targets is None


def test_numbers_go_with_any_view(scenes: ImageList) -> None:
    feed = Feed(scenes, Pretraining((8, 8)), seed=0, loader=Loader(workers=0), channels=3)
    for batch in feed.batches(first_step=0, last_step=2, batch_size=4, micro_batch=4):
        numbers = [int(target["number"]) for target in targets_of(batch)]
        assert numbers == batch.indices.tolist()


def test_parts_of_a_list_keep_their_labels(scenes: ImageList) -> None:
    train, held_out = hold_out(scenes, 0.3)
    for part in (train, held_out):
        assert part.annotations is not None
        names = [f"{int(part.annotations.read(i, (24, 30))['number'][0])}.png" for i in range(3)]
        assert names == [part.name(i) for i in range(3)]


def test_a_model_with_another_order_of_classes_is_given_its_own(scenes: ImageList) -> None:
    other = scenes.with_classes(["bright", "sky", "dark"])
    assert other.annotations is not None
    assert set(other.annotations.read(1, (24, 21))["mask"].flatten().tolist()) == {0, 2}


def test_the_fingerprint_changes_with_the_labels(scenes: ImageList) -> None:
    other = replace(scenes, annotations=Squares(tuple(range(9)), names=(0, 3)))
    renamed = replace(scenes, classes=("dark", "light"))
    prints = {images.fingerprint() for images in (scenes, other, renamed)}
    assert len(prints) == 3


def test_a_batch_of_labels_is_a_few_tensors(scenes: ImageList) -> None:
    targets = targets_of(run(scenes)[0])
    assert set(targets.values) == {"mask", "boxes", "masks", "number"}
    assert {type(x) for x in targets.values.values()} == {Tensor}
    assert len(targets) == 4
    doubled = targets.map(lambda x: x * 2 if x.dtype != torch.bool else x)
    assert_close(doubled[2]["boxes"], targets[2]["boxes"] * 2)


@pytest.mark.parametrize("change", [Batch.pin_memory, lambda batch: batch.to(torch.device("meta"))])
def test_labels_go_where_the_images_go(
    change: Callable[[Batch], Batch], scenes: ImageList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tensor, "pin_memory", lambda x: x.to("meta"))
    moved = targets_of(change(run(scenes)[0]))
    assert all(x.is_meta for x in moved.values.values())


def test_other_labels_in_one_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="other labels than boxes"):
        Targets.of([{"boxes": torch.zeros(1, 4)}, {"mask": torch.zeros(2, 2)}])
