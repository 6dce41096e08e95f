"""Cutting from a reduced picture against its definition: the whole picture, cut and resized."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from fcmae.data.augment import Pretraining
from fcmae.data.check import check
from fcmae.data.cut import cut, exact
from fcmae.data.decoded import Decoded
from fcmae.data.image import UnusableImage, open_for, open_image
from fcmae.data.listing import find_images
from fcmae.data.modes import Picture, upright
from fcmae.data.options import Crop, Loader
from fcmae.data.region import Region, aligned, as_stored, reduction
from fcmae.randomness import seeded

SCIKIT = ("astronaut", "coffee", "chelsea", "rocket", "retina")


def psnr(one: Picture, other: Picture) -> float:
    assert one.shape == other.shape
    error = np.square(one.astype(float) - other.astype(float)).mean()
    return 10 * math.log10(255**2 / max(error, 1e-9))


def save(picture: Picture, path: Path, orientation: int = 1, **options: object) -> Path:
    exif = Image.Exif()
    exif[274] = orientation
    flat = picture[..., 0] if picture.shape[2] == 1 else picture
    Image.fromarray(flat).save(path, "JPEG", quality=92, exif=exif, **options)
    return path


@pytest.fixture
def photo() -> np.ndarray:
    """Sides that are multiples of 8, so that no orientation moves the grid of reduced pixels."""
    return np.ascontiguousarray(skimage.data.astronaut()[:448, :512])


def region_of(picture: Picture, size: int, seed: int) -> Region:
    with seeded(seed, "crop"):
        return Pretraining((size, size), Crop()).aim(*picture.shape[:2])


def opened(path: Path, regions: Sequence[Region], channels: int = 3) -> Decoded:
    return open_for(lambda height, width: regions, path, channels=channels)


@pytest.mark.parametrize(("size", "factors"), [(224, {1, 2}), (96, {2, 4}), (32, {4, 8})])
def test_crops_of_photographs_are_near_the_definition(
    size: int, factors: set[int], tmp_path: Path
) -> None:
    seen, ratios = set(), []
    for name in SCIKIT:
        path = save(getattr(skimage.data, name)(), tmp_path / f"{name}.jpg")
        whole = open_image(path, channels=3)
        for seed in range(3):
            region = region_of(whole, size, seed)
            decoded = opened(path, [region])
            seen.add(decoded.reduction)
            ratios.append(psnr(cut(decoded, region), exact(whole, region)))
            if decoded.reduction == 1:
                assert ratios[-1] > 50
    assert factors <= seen
    assert np.median(ratios) > 38
    assert min(ratios) > 28


@pytest.mark.parametrize("size", [224, 96])
def test_crops_of_real_files_are_near_the_definition(size: int, shared: Path) -> None:
    ratios = []
    for path in sorted((shared / "photos" / "open").glob("*.jpg"))[::3]:
        whole = open_image(path, channels=3)
        region = region_of(whole, size, seed=1)
        ratios.append(psnr(cut(opened(path, [region]), region), exact(whole, region)))
    assert len(ratios) > 10
    assert np.median(ratios) > 40
    assert min(ratios) > 28


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(300, 200), (100, 60)])
def test_every_orientation_shows_what_its_definition_shows(
    orientation: int, size: tuple[int, int], photo: Picture, tmp_path: Path
) -> None:
    path = save(photo, tmp_path / "turned.jpg", orientation)
    whole = open_image(path, channels=3)
    region = Region(box=(24, 8, 24 + 208, 8 + 304), size=size, flip=orientation % 2 == 0)
    decoded = opened(path, [region])
    assert (decoded.height, decoded.width) == whole.shape[:2]
    assert decoded.reduction == (1 if size[0] == 300 else 2)
    assert psnr(cut(decoded, region), exact(whole, region)) > 33


def kinds(folder: Path, photo: Picture) -> dict[str, tuple[Path, int]]:
    """A file of each kind that is not decoded as plain colour, and the channels of its model."""
    grey = photo[..., 1]
    image = Image.fromarray(photo)
    made = {
        "a.png": (image, 3),
        "b.png": (Image.fromarray(grey), 3),
        "c.png": (Image.fromarray(grey), 1),
        "d.png": (image, 1),
        "e.png": (image.convert("P"), 3),
        "f.png": (image.convert("RGBA"), 4),
        "g.png": (Image.merge("RGBA", [*image.split(), Image.fromarray(grey)]), 3),
        "h.png": (Image.fromarray(grey).convert("1"), 3),
        "i.png": (Image.fromarray(grey.astype(np.uint16) * 257), 3),
        "j.tif": (Image.fromarray(grey.astype(np.float32) / 255), 1),
        "k.gif": (image.convert("P"), 3),
        "l.bmp": (image, 3),
    }
    for name, (picture, _) in made.items():
        picture.save(folder / name)
    image.save(folder / "n.png", transparency=(255, 255, 255))
    Image.fromarray(grey).save(folder / "o.png", transparency=int(grey[100, 100]))
    tifffile.imwrite(folder / "m.tif", np.dstack([photo, photo])[..., :5], planarconfig="contig")
    found = {name: (folder / name, channels) for name, (_, channels) in made.items()}
    return found | {
        "m.tif": (folder / "m.tif", 5),
        "n.png": (folder / "n.png", 4),
        "o.png": (folder / "o.png", 3),
    }


def test_other_kinds_of_pixels_keep_their_rules(photo: Picture, tmp_path: Path) -> None:
    region = Region(box=(16, 8, 416, 408), size=(90, 80), flip=True)
    for name, (path, channels) in kinds(tmp_path, photo).items():
        expected = exact(open_image(path, channels=channels), region)
        decoded = opened(path, [region], channels)
        actual = cut(decoded, region)
        assert decoded.reduction == 1, name
        assert actual.dtype == expected.dtype, name
        if actual.dtype == np.uint8:
            assert np.abs(actual.astype(int) - expected).max() <= 1, name
        else:
            assert_allclose(actual, expected, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("mode", "channels"), [("L", 3), ("L", 1), ("RGB", 1), ("CMYK", 3)])
def test_grey_and_print_jpegs_are_reduced_too(
    mode: str, channels: int, photo: Picture, tmp_path: Path
) -> None:
    path = tmp_path / "other.jpg"
    Image.fromarray(photo).convert(mode).save(path, quality=92)
    region = Region(box=(16, 8, 416, 408), size=(90, 80))
    decoded = opened(path, [region], channels)
    assert decoded.reduction == 4
    expected = exact(open_image(path, channels=channels), region)
    assert psnr(cut(decoded, region), expected) > 32


def test_a_phones_file_of_several_pictures_is_reduced_too(photo: Picture, tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    image = Image.fromarray(photo)
    image.save(path, "MPO", save_all=True, append_images=[image.rotate(180)], quality=92)
    region = Region(box=(0, 0, 512, 448), size=(64, 64))
    decoded = opened(path, [region])
    assert decoded.reduction == 4
    assert psnr(cut(decoded, region), exact(open_image(path, channels=3), region)) > 32


def test_the_most_demanding_region_decides(photo: Picture, tmp_path: Path) -> None:
    path = save(photo, tmp_path / "photo.jpg")
    wide = Region(box=(0, 0, 512, 448), size=(50, 50))
    narrow = Region(box=(64, 64, 64 + 100, 64 + 120), size=(50, 50))
    whole = open_image(path, channels=3)
    decoded = opened(path, [wide, narrow])
    assert decoded.reduction == 2
    for region in (wide, narrow):
        assert psnr(cut(decoded, region), exact(whole, region)) > 33


def test_reduction_never_goes_below_what_is_asked_for() -> None:
    def factor(width: int, height: int, **rest: bool) -> int:
        return reduction([Region(box=(5, 5, 5 + width, 5 + height), size=(100, 50), **rest)])

    assert [factor(w, 10_000) for w in (20, 99, 100, 199, 200, 399, 400, 4000)] == [
        *(1, 1, 2, 2, 4, 4, 8, 8)
    ]
    assert [factor(10_000, h) for h in (199, 200, 800)] == [1, 2, 8]
    assert factor(10_000, 10_000, context=True) == 1


def test_an_edge_moves_by_half_a_pixel_of_the_view_at_most() -> None:
    draw = np.random.default_rng(0)
    for _ in range(500):
        height, width = draw.integers(20, 600, 2).tolist()
        left, top = int(draw.integers(0, width - 10)), int(draw.integers(0, height - 10))
        right, bottom = int(draw.integers(left + 1, width + 1)), int(draw.integers(top + 1, height))
        drawn = Region(box=(left, top, right, bottom + 1), size=(7, 9))
        moved = aligned(drawn, height, width)
        factor = reduction([drawn])
        assert all(edge % factor == 0 or edge in (width, height) for edge in moved.box)
        assert max(abs(a - b) for a, b in zip(drawn.box, moved.box, strict=True)) <= factor / 2
        assert 0 <= moved.box[0] < moved.box[2] <= width
        assert 0 <= moved.box[1] < moved.box[3] <= height
        assert math.ceil((moved.box[2] - moved.box[0]) / factor) >= min(9, right - left)


def test_a_region_that_is_not_reduced_is_not_moved() -> None:
    region = Region(box=(3, 5, 20, 31), size=(16, 16))
    assert aligned(region, 64, 64) == region


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_lie_in_the_file_where_they_lie_upright(orientation: int) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (30, 20, 1), dtype=np.uint8)
    turned = upright(stored, orientation)
    region = Region(box=(2, 3, 9, 13), size=(10, 7))
    there = as_stored(region, orientation, turned.shape[0], turned.shape[1])
    left, top, right, bottom = (int(edge) for edge in there.box)
    part = stored[top:bottom, left:right]
    assert part.shape[:2] == there.size
    assert_array_equal(upright(part, orientation), turned[3:13, 2:9])


@pytest.mark.parametrize("folder", ["broken", "odd"])
def test_the_same_files_are_refused_for_the_same_reasons(folder: str, shared: Path) -> None:
    images = find_images(shared / "photos" / folder)
    report = check(images, loader=Loader(workers=0))
    reasons = dict(report.unusable)
    small = Region(box=(0, 0, 1, 1), size=(1, 1))
    for index in range(len(images)):
        path = images.path(index)
        if images.name(index) in reasons:
            with pytest.raises(UnusableImage) as refusal:
                opened(path, [small])
            assert refusal.value.reason == reasons[images.name(index)]
        else:
            assert cut(opened(path, [small]), small).shape == (1, 1, 3)
    assert len(images) - len(reasons) == report.usable or folder == "broken"


def test_damage_beyond_the_crop_is_noticed_at_every_reduction(
    photo: Picture, tmp_path: Path
) -> None:
    path = save(photo, tmp_path / "cut.jpg")
    path.write_bytes(path.read_bytes()[:-2000])
    for side in (224, 100, 50, 25):
        region = Region(box=(0, 0, 224, 224), size=(side, side))
        with pytest.raises(UnusableImage, match="truncated"):
            opened(path, [region])
