"""Planes of a file: counted, and used as the option says."""

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.check import check
from fcmae.data.facts import describe
from fcmae.data.feed import Feed
from fcmae.data.image import UnusableImage, open_image, upright_size
from fcmae.data.listing import find_images
from fcmae.data.options import Loader, Reading
from fcmae.data.plane_store import each_plane
from fcmae.data.segments.label_maps import LabelMapAnnotations, MapFiles
from fcmae.data.segments.meaning import Meaning
from fcmae.data.tiles import Window, open_regions
from fcmae.errors import DataError

DEEP = np.random.default_rng(0).integers(0, 65536, (2, 3, 4, 12, 10), dtype=np.uint16)
"""Time, depth, channel, height, width."""


def written(path: Path, values: NDArray[Any], **how: Any) -> Path:
    kind = "rgb" if values.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, values, **{"photometric": kind, **how})
    return path


def numbers(picture: NDArray[Any]) -> NDArray[Any]:
    return np.round(picture * 65535).astype(np.uint16)


STACKS: dict[str, tuple[NDArray[Any], dict[str, Any], NDArray[Any]]] = {
    # what is written, how, and the planes: number, height, width, channels
    "ImageJ depth": (
        DEEP[0, :, 0],
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        DEEP[0, :, 0, :, :, None],
    ),
    "ImageJ hyperstack": (
        DEEP,
        {"imagej": True, "metadata": {"axes": "TZCYX"}},
        np.moveaxis(DEEP, 2, -1).reshape(6, 12, 10, 4),
    ),
    "ImageJ in one directory": (
        DEEP,
        {"imagej": True, "truncate": True, "metadata": {"axes": "TZCYX"}},
        np.moveaxis(DEEP, 2, -1).reshape(6, 12, 10, 4),
    ),
    "ImageJ colour": (
        (DEEP[0, :, :3] >> 8).astype(np.uint8).transpose(0, 2, 3, 1),
        {"imagej": True, "metadata": {"axes": "ZYXS"}},
        (DEEP[0, :, :3] >> 8).transpose(0, 2, 3, 1),
    ),
    "OME": (
        DEEP,
        {"ome": True, "metadata": {"axes": "TZCYX"}},
        np.moveaxis(DEEP, 2, -1).reshape(6, 12, 10, 4),
    ),
    "OME, channels first": (
        DEEP.transpose(2, 0, 1, 3, 4),
        {"ome": True, "metadata": {"axes": "CTZYX"}},
        np.moveaxis(DEEP, 2, -1).reshape(6, 12, 10, 4),
    ),
    "pages": (DEEP[0, :, 0], {"metadata": None}, DEEP[0, :, 0, :, :, None]),
    "tiled pages": (
        DEEP[0, :, 0],
        {"metadata": None, "tile": (16, 16), "compression": "zlib"},
        DEEP[0, :, 0, :, :, None],
    ),
    "two axes without a name": (DEEP[:, :, 0], {}, DEEP[:, :, 0].reshape(6, 12, 10, 1)),
    "one directory, no name": (
        DEEP[0, 0],
        {"truncate": True, "photometric": "minisblack"},
        DEEP[0, :1].transpose(0, 2, 3, 1),
    ),
}


@pytest.mark.parametrize("stack", STACKS)
def test_planes_are_counted_and_each_is_read(stack: str, tmp_path: Path) -> None:
    values, how, planes = STACKS[stack]
    path = written(tmp_path / "stack.tif", values, **how)
    count, height, width, channels = planes.shape
    assert (describe(path).planes, describe(path).samples) == (count, channels)
    seen = (lambda picture: picture) if planes.max() < 256 else numbers
    assert_array_equal(seen(open_image(path)), planes[0])
    for plane in range(count if stack != "one directory, no name" else 0):
        one = Reading(planes="each", plane=plane)
        assert_array_equal(seen(open_image(path, how=one)), planes[plane])
        assert upright_size(path, how=one) == (height, width)
        with open_regions(path, channels=channels, how=one) as regions:
            window = Window(top=2, left=1, height=9, width=8)
            assert_array_equal(seen(regions.read(window)), planes[plane][window.slices])
    every = np.concatenate(list(planes), axis=2)
    assert_array_equal(seen(open_image(path, how=Reading(planes="channels"))), every)
    with open_regions(path, channels=every.shape[2], how=Reading(planes="channels")) as regions:
        window = Window(top=2, left=1, height=9, width=8)
        assert_array_equal(seen(regions.read(window)), every[window.slices])


def test_an_axis_without_a_name_is_of_planes_if_each_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "stack.tif", DEEP[0, 0])
    assert open_image(path).shape == (12, 10, 4)
    each = Reading(planes="each", plane=3)
    assert describe(path, how=each).planes == 4
    assert_array_equal(numbers(open_image(path, how=each))[..., 0], DEEP[0, 0, 3])


def test_reduced_copies_and_masks_are_no_planes_wherever_they_lie(tmp_path: Path) -> None:
    path, page = tmp_path / "pages.tif", DEEP[0, 0, 0]
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(page[::2, ::2], subfiletype=1, metadata=None)
        tiff.write(page, metadata=None)
        tiff.write(page > 0, subfiletype=4, metadata=None)
        tiff.write(page[::2, ::2], subfiletype=1, metadata=None)
        tiff.write(DEEP[0, 0, 1], metadata=None)
    assert describe(path).planes == 2
    assert_array_equal(numbers(open_image(path))[..., 0], page)
    second = Reading(planes="each", plane=1)
    assert_array_equal(numbers(open_image(path, how=second))[..., 0], DEEP[0, 0, 1])


def test_an_image_below_a_thumbnail_is_the_picture(tmp_path: Path) -> None:
    path, page = tmp_path / "sub.tif", DEEP[0, 0, 0]
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(page[::2, ::2], subfiletype=1, subifds=1, metadata=None)
        tiff.write(page, metadata=None)
    assert describe(path).planes == 1
    assert_array_equal(numbers(open_image(path))[..., 0], page)
    assert upright_size(path) == page.shape


def test_a_pyramid_has_one_plane(tmp_path: Path) -> None:
    path, page = tmp_path / "pyramid.tif", DEEP[0, 0, 0]
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(page, subifds=2, metadata=None)
        tiff.write(page[::2, ::2], subfiletype=1, metadata=None)
        tiff.write(page[::4, ::4], metadata=None)  # as some write it, unmarked
    assert describe(path).planes == 1
    assert_array_equal(numbers(open_image(path))[..., 0], page)


FRAMES = [Image.new("RGB", (6, 5), colour) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_frames_of_animations_are_planes(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"film.{suffix}"
    lossless = {"lossless": True} if suffix == "webp" else {}
    FRAMES[0].save(path, save_all=True, append_images=FRAMES[1:], **lossless)
    assert describe(path).planes == 3
    for plane, frame in enumerate(FRAMES):
        picture = open_image(path, how=Reading(planes="each", plane=plane))
        assert_array_equal(picture, np.asarray(frame))
    every = open_image(path, how=Reading(planes="channels"))
    assert_array_equal(every, np.concatenate([np.asarray(frame) for frame in FRAMES], axis=2))
    with pytest.raises(UnusableImage, match="plane 4 was asked for, but it has 3"):
        open_image(path, how=Reading(planes="each", plane=3))


def stereo(path: Path, kind: int, side: int) -> None:
    """A JPEG with a second picture of a kind: 2 in the third byte for one of several views."""
    image, buffer = Image.new("RGB", (16, 16), (200, 0, 0)), io.BytesIO()
    image.save(buffer, "MPO", save_all=True, append_images=[Image.new("RGB", (side, side))])
    data = buffer.getvalue()
    with Image.open(buffer) as opened:
        length = opened.mpinfo[0xB002][0]["Size"]  # type: ignore[attr-defined]
    first = data.index(struct.pack("<II", 0x030000, length))  # the entry of the first picture
    second = first + 16
    path.write_bytes(data[:second] + kind.to_bytes(4, "little") + data[second + 4 :])


@pytest.mark.parametrize(
    ("kind", "side", "planes"), [(0x020002, 16, 2), (0x010001, 8, 1), (0, 16, 2), (0, 8, 1)]
)
def test_further_pictures_of_a_jpeg_are_planes_if_they_are_views(
    kind: int, side: int, planes: int, tmp_path: Path
) -> None:
    path = tmp_path / "phone.jpg"
    stereo(path, kind, side)
    assert describe(path).planes == planes
    assert open_image(path)[8, 8, 0] > 190
    if planes == 2:
        assert open_image(path, how=Reading(planes="each", plane=1)).max() < 10


def test_planes_of_other_sizes_are_no_channels(tmp_path: Path) -> None:
    path = tmp_path / "album.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(DEEP[0, 0, 0], metadata=None)
        tiff.write(DEEP[0, 0, 0, :5], metadata=None)
    assert describe(path).planes == 2
    with pytest.raises(UnusableImage, match="its 2 planes differ in size or type"):
        open_image(path, how=Reading(planes="channels"))


def test_check_tells_how_many_planes_and_what_becomes_of_them(tmp_path: Path) -> None:
    for name in ("one.tif", "two.tif"):
        values = DEEP[0, :, 0] if name == "two.tif" else DEEP[0, 0, 0]
        written(tmp_path / name, values, metadata=None)
    for planes, told in (
        ("first", "3 planes, of which the first is used"),
        ("each", "3 planes, each of which is an image of its own"),
    ):
        report = check(find_images(tmp_path), loader=Loader(workers=0, planes=planes))
        assert report.remarks == {told: 1}


def labelled(tmp_path: Path) -> Path:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "stack.tif", DEEP[0, :, 0], metadata=None)
        Image.new("L", (10, 12), 7).save(tmp_path / name / "photo.png")
    return tmp_path


def test_each_plane_is_an_image_with_the_labels_of_its_file(tmp_path: Path) -> None:
    loader = Loader(workers=0, planes="each")
    found = find_images(labelled(tmp_path), labels=True)
    images = each_plane(found, loader)
    names = [images.name(index) for index in range(len(images))]
    of_class = ["photo.png", "stack.tif#1", "stack.tif#2", "stack.tif#3"]
    assert names == [f"{name}/{one}" for name in ("cats", "dogs") for one in of_class]
    assert images.labels is not None
    assert images.labels.tolist() == [0] * 4 + [1] * 4
    assert len(set(images.keys().tolist())) == len(images)
    assert images.fingerprint() != found.fingerprint()
    for index, plane in ((1, 0), (3, 2)):
        picture = images.store.open(index, how=loader.reading)
        assert_array_equal(numbers(picture)[..., 0], DEEP[0, plane, 0])
        assert images.store.size(index) == (12, 10)
    some = images.subset(np.array([3, 4, 1]))
    assert [some.name(index) for index in range(3)] == [names[3], names[4], names[1]]
    assert_array_equal(numbers(some.store.open(0))[..., 0], DEEP[0, 2, 0])
    assert each_plane(images, loader) is images
    assert each_plane(found, Loader()) is found


def test_a_feed_shows_every_plane(tmp_path: Path) -> None:
    loader = Loader(workers=0, planes="each")
    feed = Feed(labelled(tmp_path), 8, loader=loader, channels=1)
    assert feed.num_images == 8
    [batch] = feed.batches(first_step=0, last_step=1, batch_size=8, micro_batch=8)
    assert not batch.unusable
    assert sorted(batch.indices.tolist()) == list(range(8))


def test_labels_with_places_belong_to_one_plane(tmp_path: Path) -> None:
    written(tmp_path / "stack.tif", DEEP[0, :, 0], metadata=None)
    meaning = Meaning(classes=("ground", "cell"), ignore_index=255)
    maps = LabelMapAnnotations.of(MapFiles(files=find_images(tmp_path)), meaning)
    images = replace(find_images(tmp_path), annotations=maps)
    with pytest.raises(DataError, match="labels of objects and label maps belong to one plane"):
        each_plane(images, Loader(planes="each"))
