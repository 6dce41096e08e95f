"""A pack gives what its folder gives, and says what is wrong with it in one line."""

import io
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from PIL import Image
from torch.testing import assert_close

from fcmae.data.augment import Pretraining
from fcmae.data.check import check
from fcmae.data.entrance import entrance
from fcmae.data.feed import Feed
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images, hold_out
from fcmae.data.options import Loader
from fcmae.data.pack import COUNTS, HEADER, MAGIC
from fcmae.data.packing import Packed, write_pack
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
HERE = Loader(workers=0)


def write(images: ImageList, path: Path, size: int | None = None, workers: int = 0) -> Packed:
    with path.open("wb") as file:
        return write_pack(images, file, size=size, loader=Loader(workers=workers))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of noise in two classes, one of them with a name of many bytes, one broken."""
    random = np.random.default_rng(0)
    names = ["b/2.jpg", "a/1.jpg", "a/ñ 猫.jpg", "b/deep/er.jpg", "b/10.jpg", "a/3.jpg"]
    for number, name in enumerate(names):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (60 + number, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((180, 120)).save(path)
    (tmp_path / "photos/a/broken.jpg").write_bytes(b"<html>not found")
    return tmp_path / "photos"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pack_lists_and_holds_what_its_folder_does(
    workers: int, folder: Path, tmp_path: Path
) -> None:
    images = find_images(folder)
    pack = tmp_path / "photos.pack"
    written = write(images, pack, workers=workers)
    assert written.num_bytes == pack.stat().st_size
    assert [path for path, _ in written.unusable] == ["a/broken.jpg"]
    packed = find_images(pack)
    assert packed.classes == images.classes
    assert_array_equal(packed.labels, images.labels)
    names = [images.name(i) for i in range(len(images))]
    assert [packed.name(i) for i in range(len(packed))] == names
    for index, name in enumerate(names):
        if name != "a/broken.jpg":
            with entrance(packed.path(index), 10**6) as file:
                assert file.read() == images.path(index).read_bytes()


def test_a_run_from_a_pack_sees_what_a_run_from_the_folder_sees(
    folder: Path, tmp_path: Path
) -> None:
    pack = tmp_path / "photos.pack"
    write(find_images(folder), pack)
    seen = []
    for source in (folder, pack):
        for workers in (0, 2):
            feed = Feed(
                find_images(source),
                Pretraining((16, 24)),
                seed=3,
                loader=Loader(workers=workers),
                channels=3,
                repeats=2,
            )
            batches = list(feed.batches(first_step=0, last_step=5, batch_size=4, micro_batch=4))
            seen.append((torch.cat([batch.images for batch in batches]), feed.unusable.files))
    for images, unusable in seen[1:]:
        assert_close(images, seen[0][0], rtol=0, atol=0)
        assert unusable == seen[0][1] != {}


def test_the_report_names_the_same_files_for_the_same_reasons(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "photos.pack"
    write(find_images(folder), pack)
    reports = [check(find_images(source), loader=HERE) for source in (folder, pack)]
    assert reports[0] == reports[1]
    with pytest.raises(UnusableImage, match=r"photos.pack/a/broken.jpg: it is an HTML page"):
        open_image(pack / "a/broken.jpg")


def test_large_images_are_shrunk_and_no_others(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    ramp = np.linspace(0, 255, 400).astype(np.uint8)[None].repeat(300, axis=0)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.dstack([ramp] * 3)).save(photos / "turned.jpg", exif=exif)
    Image.fromarray(ramp).save(photos / "grey.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(photos / "deep.png")
    Image.fromarray(ramp[:100]).save(photos / "small.png")
    pack = tmp_path / "photos.pack"
    assert write(find_images(photos), pack, size=150).shrunk == 2
    shapes = {name: open_image(pack / name).shape for name in os.listdir(photos)}
    assert shapes == {
        "turned.jpg": (200, 150, 3),
        "grey.png": (150, 200, 1),
        "deep.png": (300, 400, 1),
        "small.png": (100, 400, 1),
    }
    # The picture is upright now: brightness runs down.
    rows = open_image(pack / "turned.jpg").mean(axis=(1, 2))
    assert rows[0] < 10
    assert rows[-1] > 245
    assert open_image(pack / "deep.png").dtype == np.float32


def test_a_fingerprint_changes_with_the_bytes_and_only_with_them(
    folder: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.pack" for number in range(3)]
    for path in paths[:2]:
        write(find_images(folder), path)
    (folder / "b/2.jpg").write_bytes((folder / "b/10.jpg").read_bytes())
    write(find_images(folder), paths[2])
    prints = [find_images(path).fingerprint() for path in paths]
    assert prints[0] == prints[1] != prints[2]
    parts = [hold_out(find_images(path), 0.3)[0].fingerprint() for path in paths]
    assert parts[0] == parts[1] != parts[2]


def test_a_list_is_packed_with_its_labels(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text(
        "path,label\nphotos/b/2.jpg,late\nphotos/b/10.jpg,late\nphotos/a/1.jpg,early\n"
    )
    pack = tmp_path / "list.pack"
    write(find_images(table), pack)
    packed = find_images(pack, labels=True)
    labels = {packed.name(i): packed.classes[packed.label(i)] for i in range(3)}
    late = {"photos/b/2.jpg": "late", "photos/b/10.jpg": "late"}
    assert labels == {"photos/a/1.jpg": "early", **late}
    for name in labels:
        assert_array_equal(open_image(pack / name), open_image(tmp_path / name))


def test_labels_are_asked_for_only_where_there_are_any(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "photos.pack"
    write(find_images(folder, labels=False), pack)
    assert find_images(pack).labels is None
    with pytest.raises(DataError, match=r"labels need classes, but .*pack was packed without"):
        find_images(pack, labels=True)


def test_every_flipped_byte_is_noticed(folder: Path, tmp_path: Path) -> None:
    images = find_images(folder)
    path = tmp_path / "photos.pack"
    write(images, path)
    whole = path.read_bytes()
    positions = np.random.default_rng(0).integers(16, len(whole), 60).tolist()
    for number, position in enumerate([16, 24, 32, 63, 64, *positions, len(whole) - 1]):
        damaged = tmp_path / f"{number}.pack"
        changed = bytearray(whole)
        changed[position] ^= 1 << number % 8
        damaged.write_bytes(changed)
        with pytest.raises(DataError, match=r"damaged"):
            read_all(damaged)


def read_all(path: Path) -> None:
    images = find_images(path)
    for index in range(len(images)):
        if images.name(index) != "a/broken.jpg":
            open_image(images.path(index))


@pytest.mark.parametrize("length", [16, 40, 64, 1000, -1])
def test_a_truncated_pack_is_refused(length: int, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.pack"
    write(find_images(folder), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"photos.pack is damaged.*Make it again with `fcmae pack`"):
        find_images(path)


def test_a_forged_index_points_nowhere(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "forged.pack"
    write(find_images(folder), path)
    whole = path.read_bytes()
    begin = HEADER.unpack_from(whole)[1]
    index, ends = whole[begin:], COUNTS.size
    huge = (2**62).to_bytes(8, "little")
    for changed in (
        COUNTS.pack(2**60, 0, 0, 0, 0) + index[ends:],
        index[:ends] + huge + index[ends + 8 :],
        index[: ends + 8] + huge + index[ends + 16 :],
        index + b"x",
        b"",
    ):
        header = HEADER.pack(MAGIC, begin, len(changed), sha256(changed).digest())
        path.write_bytes(header + whole[HEADER.size : begin] + changed)
        with pytest.raises(DataError, match="is damaged, or no pack"):
            find_images(path)


def test_what_is_no_pack_is_read_as_before(tmp_path: Path, pictures: Callable[..., Path]) -> None:
    image = pictures(1) / "0000.png"
    with pytest.raises(UnusableImage, match=r"Not a directory"):
        open_image(image / "inside.png")
    with pytest.raises(UnusableImage, match="there is no such file"):
        open_image(tmp_path / "none" / "x.png")


def test_an_image_that_is_not_in_the_pack_is_named(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.pack"
    write(find_images(folder), path)
    with pytest.raises(UnusableImage, match=r"a/11.jpg: there is no such image in .*photos.pack"):
        open_image(path / "a/11.jpg")
    with pytest.raises(UnusableImage, match=r"are more than --loader.max_bytes 100"):
        open_image(path / "a/1.jpg", max_bytes=100)


def test_the_same_images_make_the_same_pack(folder: Path) -> None:
    made = []
    for workers in (0, 2):
        buffer = io.BytesIO()
        write_pack(find_images(folder), buffer, size=100, loader=Loader(workers=workers))
        made.append(buffer.getvalue())
    assert made[0] == made[1]
