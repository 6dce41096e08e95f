"""Ordinary ZIPs are read as folders are; hostile ones and packs in the first format are not."""

import base64
import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from fcmae.cli.main import main
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.listing import find_images
from fcmae.data.old_pack import old_pack
from fcmae.data.options import Reading
from fcmae.errors import DataError


def png(number: int = 0) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def zipped(
    path: Path, names: list[str], method: int = zipfile.ZIP_DEFLATED, prefix: str = ""
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for number, name in enumerate(names):
            member = zipfile.ZipInfo(prefix + name)
            data = b"text" if name.endswith(".md") else png(number)
            archive.writestr(member, data, compress_type=method)
    return path


NAMES = ["dogs/1.png", "cats/2.png", "cats/ñ.png", "README.md", "dogs/.DS_Store"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("prefix", ["", "photos/"], ids=["bare", "in one folder"])
def test_a_zip_is_read_as_the_folder_that_it_holds(
    method: int, prefix: str, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "photos.zip", NAMES, method, prefix)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    images, folder = find_images(path), find_images(tmp_path / "out" / prefix)
    assert images.classes == folder.classes == ("cats", "dogs")
    assert_array_equal(images.labels, folder.labels)
    for index in range(len(folder)):
        assert images.name(index) == folder.name(index)
        assert_array_equal(open_image(images.path(index)), open_image(folder.path(index)))


def test_what_labels_need_is_said_as_for_folders(tmp_path: Path) -> None:
    flat = zipped(tmp_path / "flat.zip", ["1.png", "2.png"])
    assert find_images(flat).labels is None
    with pytest.raises(DataError, match=r"flat.zip is a flat folder of 2 images, but labels need"):
        find_images(flat, labels=True)
    with pytest.raises(DataError, match=r"there are no images in .*texts.zip. It holds 1 other"):
        find_images(zipped(tmp_path / "texts.zip", ["a.md"]))


def test_the_fingerprint_changes_with_a_picture(tmp_path: Path) -> None:
    one, same, other = (
        find_images(zipped(tmp_path / f"{n}.zip", names)).fingerprint()
        for n, names in enumerate([NAMES, NAMES, ["dogs/0.png", *NAMES[1:]]])
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["../x.png"], "the name '../x.png' in it leads elsewhere"),
        (["a/../../x.png"], "the name 'a/../../x.png' in it leads elsewhere"),
        (["a/b/.."], "the name 'a/b/..' in it leads elsewhere"),
        (["/etc/x.png"], "the name '/etc/x.png' in it leads elsewhere"),
        (["b.png", "a//x.png"], "the name 'a/x.png' in it leads elsewhere"),
        (["x.png", "x.png"], "the name 'x.png' is in it twice"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_lead_elsewhere_or_come_twice_are_refused(
    names: list[str], why: str, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "x.zip", names)
    with pytest.raises(DataError, match=f"x.zip was not read as a ZIP: {why}"):
        find_images(path)


def changed(path: Path, at: int, new: bytes, record: bytes = b"PK\1\2") -> Path:
    """Change bytes of the first entry of the central directory."""
    whole = bytearray(path.read_bytes())
    begin = whole.index(record) + at
    whole[begin : begin + len(new)] = new
    path.write_bytes(whole)
    return path


def test_encrypted_and_unknown_members_are_refused(tmp_path: Path) -> None:
    path = changed(zipped(tmp_path / "x.zip", ["a.png"]), 8, b"\1")
    with pytest.raises(DataError, match=r"a.png in it is encrypted"):
        find_images(path)
    path = zipped(tmp_path / "y.zip", ["a.png"], zipfile.ZIP_BZIP2)
    with pytest.raises(DataError, match=r"a.png in it is compressed in a way that is not read"):
        find_images(path)


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", ["a.png", "b.png"])
    whole = bytearray(path.read_bytes())
    second = whole.index(b"PK\1\2", whole.index(b"PK\1\2") + 4)
    whole[second + 42 : second + 46] = struct.pack("<L", 0)  # where the first member begins
    path.write_bytes(whole)
    with pytest.raises(DataError, match="its members overlap, or lie outside"):
        find_images(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(50_000_000))
    assert path.stat().st_size < 100_000
    assert len(find_images(path)) == 1
    with pytest.raises(UnusableImage, match=r"50000000 bytes are more than loader.max_bytes"):
        open_image(path / "bomb.png", how=Reading(max_bytes=10**6))
    changed(path, 24, struct.pack("<L", 1000))  # it claims to be small
    tracemalloc.start()
    with pytest.raises(UnusableImage, match=r"its bytes are not those that x.zip promises"):
        open_image(path / "bomb.png", how=Reading(max_bytes=10**6))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_flipped_bytes_of_a_member_and_cut_files_are_noticed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", ["a.png", "b.png"])
    whole = path.read_bytes()
    for position in range(40, whole.index(b"PK\3\4", 4), 50):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        with pytest.raises(UnusableImage, match="damaged"):
            open_image(path / "a.png")
    for length in (4, 100, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"x.zip was not read as a ZIP: .* Unpack it and name"):
            find_images(path)


def test_a_hostile_zip_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zipped(tmp_path / "x.zip", ["../x.png"])
    assert main(["check", f"{path}"]) == 6
    said = capsys.readouterr().err
    assert said.startswith("fcmae: ")
    assert said.count("\n") == 1


VERSION_1 = zlib.decompress(
    base64.b64decode(
        "eNpLS85NTFUoSEzOVjBkAILrDBBQzAihj6r+PF2cv/F/QLED/4eA7EjhPTZrsm3SFNWTnzw5O/O0S2eAnzsv"
        "lxQXUCmvp4dLEJBmBmImDiYgKST20RdIiXq6OIZUzAHqeJKSAAZJDYwMTEoM8pOt3/8G2eLp6ueyzimhCadp"
        "IEU75C2PASkBqGkpCSkpKWkpLAwM2gxcD+KfnEU2iBnqDSYoLY3Gt2NABexQWhhNPQwwoulHB3ZotAOU7kOj"
        "r+MwF0ZX7ze03yrDIiDX7+3lZZLm9NOQMev/Pql3FRFBAUfXMok93nDEacYfGZFZv7+cmJm/U0V9neOTlNmT"
        "fZZMnSldEbQj9P3B0huK5fIHrgSG5bLOfn3mdKWKq/zrn7E7fXYt8999qDxR31CvIC89ST+pKD87NQ/CPrwR"
        "RCcmZZYoZBYrJOYpeIT4+gDTRHqqjkJefolCfl6qQn6agleAq7uOAjCGdBTCXZ0CdBScfIFEiKebm46Cu6cb"
        "AIGrh1o="
    )
)
"""What ``fcmae pack`` wrote for a/1.png, b/ñ.png and b/broken.png before packs were ZIPs."""


def test_a_pack_of_the_first_version_is_refused_and_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "photos.pack", tmp_path / "photos.zip"
    old.write_bytes(VERSION_1)
    assert main(["check", f"{old}"]) == 6
    assert capsys.readouterr().err == (
        f"fcmae: {old} is a pack in the first format, which was no ZIP and is no longer read: "
        f"`fcmae pack --data {old} --out NEW.zip` makes one of it.\n"
    )
    assert main(["pack", "--data", f"{old}", "--out", f"{new}", "--size", "100"]) == 2
    assert "leave --size out, then pack the new file with it" in capsys.readouterr().err
    assert main(["pack", "--data", f"{old}", "--out", f"{new}"]) == 0
    assert "b/broken.png: it is an HTML page" in capsys.readouterr().out
    images = find_images(new, labels=True)
    assert [(images.name(i), images.label(i)) for i in range(3)] == [
        ("a/1.png", 0),
        ("b/broken.png", 1),
        ("b/ñ.png", 1),
    ]
    assert_array_equal(open_image(new / "a/1.png"), np.full((2, 3, 3), 9))
    assert_array_equal(open_image(new / "b/ñ.png")[..., 0], np.arange(6).reshape(2, 3))


def test_a_damaged_pack_of_the_first_version_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "photos.pack"
    for length in (16, 64, 300, len(VERSION_1) - 1):
        old.write_bytes(VERSION_1[:length])
        with pytest.raises(DataError, match="its index is not what was written"):
            old_pack(old)
    changed = bytearray(VERSION_1)
    changed[VERSION_1.index(b"IDAT") + 5] ^= 1
    old.write_bytes(changed)
    _, contents = old_pack(old)
    assert next(contents).reason == "damaged"
