"""A pack gives what its folder gives, and says what is wrong with it in one line."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from PIL import Image
from torch.testing import assert_close

from fcmae.data.augment import Pretraining
from fcmae.data.check import check
from fcmae.data.feed import Feed
from fcmae.data.held_out import hold_out
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.open_file import entrance
from fcmae.data.options import Loader, Reading
from fcmae.data.pack import COMMENT, COMMENT_BYTES, HEAD, OWN, ROW, VERSION
from fcmae.data.packing import NO_MEMBER, Packed, contents_of, write_pack
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
HERE = Loader(workers=0)


def write(images: ImageList, path: Path, size: int | None = None, workers: int = 0) -> Packed:
    contents = contents_of(images, size=size, loader=Loader(workers=workers))
    with path.open("w+b") as file:
        return write_pack(images, contents, file)


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
    pack = tmp_path / "photos.zip"
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
    pack = tmp_path / "photos.zip"
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
    pack = tmp_path / "photos.zip"
    write(find_images(folder), pack)
    reports = [check(find_images(source), loader=HERE) for source in (folder, pack)]
    assert reports[0] == reports[1]
    with pytest.raises(UnusableImage, match=r"photos.zip/a/broken.jpg: it is an HTML page"):
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
    pack = tmp_path / "photos.zip"
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
    paths = [tmp_path / f"{number}.zip" for number in range(3)]
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
    pack = tmp_path / "list.zip"
    write(find_images(table), pack)
    packed = find_images(pack, labels=True)
    labels = {packed.name(i): packed.classes[packed.label(i)] for i in range(3)}
    late = {"photos/b/2.jpg": "late", "photos/b/10.jpg": "late"}
    assert labels == {"photos/a/1.jpg": "early", **late}
    for name in labels:
        assert_array_equal(open_image(pack / name), open_image(tmp_path / name))


def test_labels_are_asked_for_only_where_there_are_any(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "photos.zip"
    write(find_images(folder, labels=False), pack)
    assert find_images(pack).labels is None
    with pytest.raises(DataError, match=r"labels need classes, but .*zip was packed without"):
        find_images(pack, labels=True)


def test_every_flipped_byte_is_noticed(folder: Path, tmp_path: Path) -> None:
    images = find_images(folder)
    path = tmp_path / "photos.zip"
    write(images, path)
    whole = path.read_bytes()
    positions = np.random.default_rng(0).integers(0, len(whole), 60).tolist()
    first, last = range(0, HEAD, 7), range(len(whole) - COMMENT_BYTES - 80, len(whole), 9)
    for number, position in enumerate([*first, *positions, *last, len(whole) - 1]):
        damaged = tmp_path / f"{number}.zip"
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


@pytest.mark.parametrize("length", [HEAD, 100, 1000, -200, -COMMENT_BYTES, -1])
def test_a_truncated_pack_is_refused(length: int, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    write(find_images(folder), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"photos.zip is damaged.*Make it again with `fcmae pack`"):
        find_images(path)


def forged(whole: bytes, facts: str | None, names: bytes | None, **columns: int) -> bytes:
    """A pack with another index, whose digest is right."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = [archive.read(name) for name in OWN[1:]]
    rows = np.load(io.BytesIO(parts[2])).copy()
    for column, value in columns.items():
        rows[column][0] = value
    table = io.BytesIO()
    np.save(table, rows)
    changed = (
        parts[0] if facts is None else facts.encode(),
        parts[1] if names is None else names,
        table.getvalue(),
    )
    start = int(COMMENT.fullmatch(whole[-COMMENT_BYTES:])[1])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in zip(OWN[1:], changed, strict=True):
            archive.writestr(name, part)
    index = buffer.getvalue()
    digest = sha256(whole[:HEAD] + index).hexdigest()
    return whole[:start] + index + f"{VERSION.decode()} {start:020} {digest}".encode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"begin": 2**62}, "its table points outside"),
        ({"begin": -1}, "its table points outside"),
        ({"end": 2**62}, "its table points outside"),
        ({"data": 2**62}, "its table points outside"),
        ({"label": 2}, "its table names classes that it does not have"),
        ({"label": -1}, "its table names classes that it does not have"),
        ({"by_name": 10}, "its table does not name every image once"),
        ({"names": b"a\0b"}, "its names have no end"),
        ({"names": b"a\0b\0"}, "its table has not a row for each name"),
        ({"names": b"a\0" * 6 + b"../b\0"}, r"the name '../b' in it leads elsewhere"),
        ({"names": b"a\0" * 6 + b"/b\0"}, r"the name '/b' in it leads elsewhere"),
        ({"facts": "{}"}, "is damaged: 'classes'"),
        ({"facts": '{"classes": 3, "unusable": {}}'}, "is damaged"),
        ({"facts": '{"classes": ["a", "b"], "unusable": []}'}, "is damaged"),
        ({"facts": "[" * 100_000}, "is damaged"),
    ],
    ids=str,
)
def test_a_forged_index_points_nowhere(
    changes: dict[str, Any], why: str, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "forged.zip"
    write(find_images(folder), path)
    path.write_bytes(forged(path.read_bytes(), **{"facts": None, "names": None, **changes}))
    with pytest.raises(DataError, match=why):
        find_images(path)


def test_a_table_of_python_objects_is_not_unpickled(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "forged.zip"
    write(find_images(folder), path)
    whole = path.read_bytes()
    objects = io.BytesIO()
    np.save(objects, np.array([print]), allow_pickle=True)
    start = int(COMMENT.fullmatch(whole[-COMMENT_BYTES:])[1])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in zip(
            OWN[1:],
            (b'{"classes": null, "unusable": {}}', b"a\0", objects.getvalue()),
            strict=True,
        ):
            archive.writestr(name, part)
    digest = sha256(whole[:HEAD] + buffer.getvalue()).hexdigest()
    comment = f"{VERSION.decode()} {start:020} {digest}".encode()
    path.write_bytes(whole[:start] + buffer.getvalue() + comment)
    with pytest.raises(DataError, match="its table has other columns"):
        find_images(path)


def test_what_is_no_pack_is_read_as_before(tmp_path: Path, pictures: Callable[..., Path]) -> None:
    image = pictures(1) / "0000.png"
    with pytest.raises(UnusableImage, match=r"Not a directory"):
        open_image(image / "inside.png")
    with pytest.raises(UnusableImage, match="there is no such file"):
        open_image(tmp_path / "none" / "x.png")


def test_an_image_that_is_not_in_the_pack_is_named(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    write(find_images(folder), path)
    with pytest.raises(UnusableImage, match=r"a/11.jpg: there is no such image in .*photos.zip"):
        open_image(path / "a/11.jpg")
    with pytest.raises(UnusableImage, match=r"are more than loader.max_bytes, 100"):
        open_image(path / "a/1.jpg", how=Reading(max_bytes=100))


def test_the_same_images_make_the_same_pack(folder: Path) -> None:
    made = []
    for workers in (0, 2):
        buffer = io.BytesIO()
        images = find_images(folder)
        write_pack(images, contents_of(images, size=100, loader=Loader(workers=workers)), buffer)
        made.append(buffer.getvalue())
    assert made[0] == made[1]


def test_any_zip_program_finds_the_images_and_what_is_known_of_them(
    folder: Path, tmp_path: Path
) -> None:
    images = find_images(folder)
    write(images, tmp_path / "photos.zip")
    with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
        assert archive.testzip() is None
        assert {x.compress_type for x in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {x.date_time for x in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = [images.name(i) for i in range(len(images)) if images.name(i) != "a/broken.jpg"]
        assert archive.namelist() == [OWN[0], *names, *OWN[1:]]
        archive.extractall(tmp_path / "out")
        facts = json.loads(archive.read(".fcmae/index.json"))
        rows = np.load(archive.open(".fcmae/table.npy"))
    assert facts["classes"] == ["a", "b"]
    assert list(facts["unusable"]) == ["a/broken.jpg"]
    assert rows.dtype == ROW
    unpacked = find_images(tmp_path / "out")
    assert [unpacked.name(i) for i in range(len(unpacked))] == names
    assert unpacked.classes == images.classes


def test_a_list_keeps_its_order_and_may_name_a_file_twice_or_far_away(
    folder: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away.jpg"
    away.write_bytes((folder / "b/2.jpg").read_bytes())
    (tmp_path / "lists").mkdir()
    table = tmp_path / "lists/list.csv"
    lines = ["../photos/b/10.jpg,z", f"{away},y", "../photos/a/1.jpg,x", "../photos/b/10.jpg,x"]
    table.write_text("path,label\n" + "\n".join(lines) + "\n")
    pack = tmp_path / "list.zip"
    write(find_images(table, labels=False), pack)
    packed = find_images(pack)
    names = ["photos/b/10.jpg", "away.jpg", "photos/a/1.jpg", "photos/b/10.jpg"]
    assert [packed.name(i) for i in range(4)] == names
    for index, name in enumerate(names):
        assert_array_equal(open_image(packed.path(index)), open_image(tmp_path / name))
    assert pack.read_bytes().count((folder / "b/10.jpg").read_bytes()) == 1
    table.write_text("path,label\n" + "\n".join(lines[:3]) + "\n")
    pack.unlink()
    write(find_images(table), pack)
    packed = find_images(pack, labels=True)
    assert [packed.classes[packed.label(i)] for i in range(3)] == ["z", "y", "x"]


def test_a_name_that_no_zip_can_hold_is_told(folder: Path, tmp_path: Path) -> None:
    odd = folder / "a" / os.fsdecode(b"\xff.jpg")
    odd.write_bytes((folder / "a/1.jpg").read_bytes())
    pack = tmp_path / "photos.zip"
    written = write(find_images(folder), pack)
    assert [reason for _, reason in written.unusable] == [written.unusable[0][1], NO_MEMBER]
    packed = find_images(pack)
    assert len(packed) == 8
    with pytest.raises(UnusableImage, match="is not UTF-8, which a ZIP needs: rename it"):
        open_image(pack / "a" / odd.name)


def test_a_pack_that_another_program_has_changed_is_refused(folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "photos.zip"
    write(find_images(folder), pack)
    with zipfile.ZipFile(pack, "a") as archive:
        archive.writestr("a/more.jpg", b"x")
    with pytest.raises(DataError, match=r"is damaged.*Make it again"):
        find_images(pack)


def test_a_pack_is_packed_again_smaller(folder: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.zip", tmp_path / "twice.zip"
    write(find_images(folder), once)
    assert write(find_images(once), twice, size=50).shrunk == 6
    assert find_images(twice).classes == ("a", "b")
    assert open_image(twice / "a/1.jpg").shape == (50, 75, 3)
