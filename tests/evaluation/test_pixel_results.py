"""Segmentation is measured over the whole data set, however it is looked at and by however many."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from fcmae.data.batch import Batch
from fcmae.data.normalisation import Normalisation
from fcmae.data.targets import Targets
from fcmae.data.tiles import DecodedRegions, windows
from fcmae.errors import DataError
from fcmae.evaluation.options import Scan
from fcmae.evaluation.pixels import confusion_of, measured, segment
from fcmae.evaluation.scan import Scanner
from fcmae.model.options import Architecture, UPerNet
from fcmae.model.segmenter import Segmenter
from fcmae.process_group import Peers

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 8, 16, 16))
NAMES = ["a", "b", "c"]


@pytest.fixture
def model() -> Segmenter:
    torch.manual_seed(0)
    model = Segmenter(SMALL, num_classes=3, head=UPerNet(width=16, auxiliary_width=16))
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


class Local(Segmenter):
    """Scores each pixel by itself, so that windows and mirror images change nothing."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([images[:, 0], images[:, 1], images[:, 2]], dim=1) * 3


def local() -> Local:
    return Local(SMALL, num_classes=3, head=UPerNet(width=16, auxiliary_width=16)).eval()


def scanner(model: Segmenter, **how: object) -> Scanner:
    return Scanner(model=model, how=Scan(**how), tile=(32, 32))


def batches(sizes: list[tuple[int, int]], first: int = 0, step: int = 1) -> list[Batch]:
    found = []
    for index in range(first, len(sizes), step):
        draw = torch.Generator().manual_seed(index)
        mask = torch.randint(-1, 3, sizes[index], generator=draw).to(torch.int16)
        found.append(
            Batch(
                images=torch.randn(1, 3, *sizes[index], generator=draw),
                targets=Targets.of([{"mask": mask}]),
                indices=torch.tensor([index]),
                repeats=torch.tensor([0]),
            )
        )
    return found


SIZES = [(40, 50), (64, 32), (33, 70)]


def test_the_numbers_are_those_of_the_confusion_matrix() -> None:
    confusion = torch.tensor([[6, 2, 0, 0], [1, 3, 0, 0], [0, 0, 0, 0], [2, 0, 0, 2]])
    result = measured(confusion, ["a", "b", "never", "c"], images=1)
    assert [row.iou for row in result.per_class] == [6 / 11, 0.5, None, 0.5]
    assert [row.accuracy for row in result.per_class] == [0.75, 0.75, None, 0.5]
    assert [row.pixels for row in result.per_class] == [8, 4, 0, 4]
    assert result.miou == pytest.approx((6 / 11 + 1) / 3)
    assert result.mean_accuracy == pytest.approx(2 / 3)
    assert result.pixel_accuracy == 11 / 16


def test_a_class_that_is_only_named_counts_as_wrong() -> None:
    result = measured(torch.tensor([[2, 2], [0, 0]]), ["a", "b"], images=1)
    assert (result.miou, result.mean_accuracy) == (0.25, 0.5)


def test_ignored_pixels_are_not_counted() -> None:
    labels, called = torch.tensor([[0, 1, -1]]), torch.tensor([[0, 0, 1]])
    assert confusion_of(labels, called, 2).tolist() == [[1, 0], [1, 0]]
    with pytest.raises(DataError, match="a pixel has the class 2, but the model knows 0 to 1"):
        confusion_of(labels + 1, called, 2)


def test_nothing_to_judge_is_an_error(model: Segmenter) -> None:
    with pytest.raises(DataError, match="not one pixel to judge"):
        segment(scanner(model), [], NAMES)
    with pytest.raises(DataError, match="no masks to compare with"):
        segment(scanner(model), [replace(batches(SIZES)[0], targets=None)], NAMES)


def test_every_image_counts_once_in_its_own_size(model: Segmenter) -> None:
    result = segment(scanner(model), batches(SIZES), NAMES)
    expected = torch.zeros(3, 3, dtype=torch.int64)
    for batch in batches(SIZES):
        height, width = batch.images.shape[-2:]
        padded = F.pad(batch.images, (0, -width % 32, 0, -height % 32))
        with torch.no_grad():
            called = model(padded)[0, :, :height, :width].argmax(dim=0)
        assert batch.targets is not None
        mask = batch.targets[0]["mask"].long()
        for is_, named in zip(mask.flatten().tolist(), called.flatten().tolist(), strict=True):
            if is_ >= 0:
                expected[is_, named] += 1
    assert torch.equal(result.confusion, expected)
    assert result.images == 3
    assert not model.training


def test_two_processes_find_what_one_finds(model: Segmenter) -> None:
    whole = segment(scanner(model), batches(SIZES), NAMES)
    gathered: list[Tensor] = []

    def gather(other: list[Tensor]) -> Callable[[Tensor], Tensor]:
        def join(rows: Tensor) -> Tensor:
            gathered.append(rows)
            return torch.cat([other.pop(0), rows]) if other else rows

        return join

    for rank in (0, 1):
        theirs = list(gathered)
        gathered.clear()
        looking = replace(scanner(model), peers=Peers(rank=rank, size=2, gather=gather(theirs)))
        result = segment(looking, batches(SIZES, first=rank, step=2), NAMES)
    assert torch.equal(result.confusion, whole.confusion)
    assert (result.miou, result.images) == (whole.miou, 3)


@pytest.mark.parametrize(
    "how",
    [
        {"mode": "slide"},
        {"mode": "slide", "overlap": 0.9},
        {"flip": True},
        {"mode": "slide", "flip": True, "scales": (1.0, 1.0)},
    ],
    ids=str,
)
def test_where_pixels_stand_alone_every_way_to_look_is_the_same(how: dict[str, object]) -> None:
    image = batches([(70, 45)])[0].images
    expected = (image * 3).softmax(dim=1)
    assert_close(scanner(local(), **how).probabilities(image), expected)


def test_scales_are_averaged_in_the_images_own_size() -> None:
    image = batches([(64, 64)])[0].images
    doubled = F.interpolate(image, size=(128, 128), mode="bilinear")
    again = F.interpolate(
        (doubled * 3).softmax(dim=1), size=(64, 64), mode="bilinear", antialias=True
    )
    expected = ((image * 3).softmax(dim=1) + again) / 2
    assert_close(scanner(local(), scales=(1.0, 2.0)).probabilities(image), expected)


def test_images_are_resized_first_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    model = local()
    monkeypatch.setattr(
        model, "forward", lambda images: seen.append(images.shape[-2:]) or images * 3
    )
    image = batches([(50, 100)])[0].images
    found = scanner(model, short_side=64, scales=(1.0, 0.5)).probabilities(image)
    assert found.shape == (1, 3, 50, 100)
    assert [tuple(size) for size in seen] == [(64, 128), (32, 64)]


def test_the_number_of_windows_at_once_changes_nothing(model: Segmenter) -> None:
    image = batches([(70, 90)])[0].images
    looking = scanner(model, mode="slide")
    several = replace(looking, batch_size=4)
    assert_close(looking.scores(image), several.scores(image), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(100, 70), (20, 90), (33, 33)])
def test_a_large_image_by_rows_of_windows_is_the_same(
    model: Segmenter, size: tuple[int, int]
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    normalise = Normalisation(mean=(0.5,) * 3, std=(0.2,) * 3)
    looking = replace(scanner(model, mode="slide"), batch_size=3)
    expected = looking.classes(normalise(picture)[None])
    done: list[int] = []
    rows = list(looking.large(DecodedRegions(picture), normalise, done=done.append))
    found = np.concatenate([classes for _, classes in rows])
    assert [top for top, _ in rows] == np.cumsum([0, *(len(c) for _, c in rows[:-1])]).tolist()
    # Two classes may be equally likely up to rounding.
    assert (found == expected).mean() > 0.999
    assert sum(done) == len(windows(size, (32, 32), 1 / 3))


def test_windows_slide_over_what_is_too_large_to_be_looked_at_whole(model: Segmenter) -> None:
    image = batches([(70, 90)])[0].images
    whole, slid = scanner(model).scores(image), scanner(model, mode="slide").scores(image)
    assert (whole - slid).abs().max() > 1e-3
    assert_close(scanner(model, large=6300).scores(image), whole)
    assert_close(scanner(model, large=6299).scores(image), slid)
    # It goes by the size that is looked at.
    looks = [scanner(model, short_side=49, **how) for how in ({}, {"large": 3149})]
    one, other = (looking.probabilities(image) for looking in looks)
    assert_close(one, other)


def test_windows_of_a_large_image_are_viewed_at_all_scales_and_mirrored(model: Segmenter) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    normalise = Normalisation(mean=(0.5,) * 3, std=(0.2,) * 3)
    looking = scanner(model, scales=(1.0, 1.5), flip=True, overlap=0.0)
    # Side by side, so that each window is an image of its own.
    halves = picture[:, :32], picture[:, 32:]
    sides = [looking.classes(normalise(half)[None]) for half in halves]
    large = np.concatenate([rows for _, rows in looking.large(DecodedRegions(picture), normalise)])
    assert (large == np.concatenate(sides, axis=1)).mean() > 0.999
    plain = scanner(model, overlap=0.0)
    other = np.concatenate([rows for _, rows in plain.large(DecodedRegions(picture), normalise)])
    assert (large != other).any()


@pytest.mark.parametrize("size", [(160, 240), (163, 242)])
@pytest.mark.parametrize(("scales", "side"), [((1.0,), 4), ((2.0, 0.5), 2)])
def test_a_large_image_with_a_short_side_is_reduced_while_it_is_read(
    model: Segmenter,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    scales: tuple[float, ...],
    side: int,
) -> None:
    monkeypatch.setattr("fcmae.evaluation.scan.OVERVIEW_PIXELS", 1)
    small = np.random.default_rng(0).integers(0, 256, (160 // side, 240 // side, 3), dtype=np.uint8)
    picture = small.repeat(side, axis=0).repeat(side, axis=1)
    picture = np.pad(picture, ((0, size[0] - 160), (0, size[1] - 240), (0, 0)), mode="edge")
    normalise = Normalisation(mean=(0.5,) * 3, std=(0.2,) * 3)
    looking = scanner(model, short_side=40, scales=scales)
    called = looking.classes(normalise(small)[None]).repeat(side, axis=0).repeat(side, axis=1)
    expected = np.pad(called, ((0, size[0] - 160), (0, size[1] - 240)), mode="edge")
    done: list[int] = []
    rows = list(looking.large(DecodedRegions(picture), normalise, done=done.append))
    assert [top for top, _ in rows] == np.cumsum([0, *(len(c) for _, c in rows[:-1])]).tolist()
    assert (np.concatenate([classes for _, classes in rows]) == expected).all()
    assert sum(done) == looking.num_windows(size) == 1


def test_a_long_image_is_reduced_as_far_as_it_is_looked_at(
    model: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcmae.evaluation.scan.OVERVIEW_PIXELS", 1)
    picture = np.random.default_rng(0).integers(0, 256, (50, 1600, 3), dtype=np.uint8)
    seen: list[tuple[int, ...]] = []

    def look(self: Scanner, image: torch.Tensor) -> np.ndarray:
        seen.append(tuple(image.shape[-2:]))
        return np.zeros(image.shape[-2:], np.int64)

    monkeypatch.setattr(Scanner, "classes", look)
    normalise = Normalisation(mean=(0.5,) * 3, std=(0.2,) * 3)
    rows = list(scanner(model, short_side=50).large(DecodedRegions(picture), normalise))
    # Its longer side is four times 50 at most, so that every 8 x 8 pixels become one.
    assert seen == [(6, 200)]
    assert sum(len(called) for _, called in rows) == 50


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"overlap": 1.0}, r"scan\.overlap is 1\.0, but must be in \[0, 1\)"),
        ({"short_side": 0}, r"scan\.short_side is 0, but must be at least 1"),
        ({"scales": ()}, r"scan\.scales is \(\), but must be one or more factors above 0"),
        ({"scales": (0.0,)}, r"scan\.scales is \(0\.0,\)"),
    ],
    ids=str,
)
def test_ways_to_look_that_cannot_be_are_refused(bad: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scan(**bad)
