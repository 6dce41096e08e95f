"""Walking folders: what is found, what is set aside, and that no link leads astray."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fcmae.data.folders import folders_in, names_in, walk
from fcmae.errors import DataError

Make = Callable[..., Path]


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_any_name_may_be_an_image_unless_it_says_otherwise(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "B.JPEG", "no_extension", "scan.weird", "photo.heic", "deep/er/c.png")
    touch(tmp_path, "README.md", "index.csv", "labels.json", "LICENSE", "clip.mp4", "features.npy")
    touch(tmp_path, "outlines.geojson")
    found = walk(tmp_path)
    names = [os.fsdecode(name) for name in found.files]
    assert names == ["B.JPEG", "a.jpg", "deep/er/c.png", "no_extension", "photo.heic", "scan.weird"]
    assert (found.others, found.set_aside, found.folders) == (7, [], ["deep"])


def test_system_files_are_set_aside_by_name_and_their_folders_not_entered(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", ".DS_Store", "Thumbs.db", "._a.jpg", ".hidden.jpg")
    touch(tmp_path, ".git/x.jpg", "__MACOSX/b.jpg", ".ipynb_checkpoints/c.jpg")
    found = walk(tmp_path)
    assert found.files == [b"a.jpg"]
    assert [path for path, _ in found.set_aside] == [
        ".DS_Store",
        "._a.jpg",
        ".hidden.jpg",
        "Thumbs.db",
    ]


def test_loops_of_links_repeat_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/b/2.jpg")
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "a/again").symlink_to(tmp_path / "a")
    (tmp_path / "a/b/self").symlink_to(".")
    (tmp_path / "copy.jpg").symlink_to("a/1.jpg")
    found = walk(tmp_path)
    assert found.files == [b"a/1.jpg", b"a/b/2.jpg"]
    assert found.set_aside == []


def test_links_out_of_the_folder_are_followed_to_files_and_folders(tmp_path: Path) -> None:
    touch(tmp_path, "inside/a.jpg", "outside/deep/b.jpg", "inside-not/c.jpg", "outside/n.csv")
    inside = tmp_path / "inside"
    (inside / "file.jpg").symlink_to("../outside/deep/b.jpg")
    (inside / "folder").symlink_to("../outside")
    (inside / "sibling").symlink_to("../inside-not")
    (inside / "list.csv").symlink_to("../outside/n.csv")
    (tmp_path / "outside/back").symlink_to(inside)
    found = walk(inside)
    assert found.files == [b"a.jpg", b"file.jpg", b"folder/deep/b.jpg", b"sibling/c.jpg"]
    assert (found.folders, found.set_aside, found.others) == (["folder", "sibling"], [], 2)


def test_links_into_hidden_folders_are_followed_as_nothing_else_finds_their_images(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "set/.git/annex/x1.jpg", "set/.cache/dog/y.jpg")
    (tmp_path / "set/cat").mkdir()
    (tmp_path / "set/cat/1.jpg").symlink_to("../.git/annex/x1.jpg")
    (tmp_path / "set/dog").symlink_to(".cache/dog")
    assert walk(tmp_path / "set").files == [b"cat/1.jpg", b"dog/y.jpg"]


def test_links_to_nothing_in_circles_and_to_what_is_found_elsewhere_are_set_aside(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "in/cat/a.jpg", "in/dog/b.jpg", "in/dog/c.jpg")
    inside = tmp_path / "in"
    (inside / "dangling.jpg").symlink_to("gone.jpg")
    (inside / "root").symlink_to("/")
    (inside / "puppy").symlink_to("dog")
    (inside / "cat/b.jpg").symlink_to("../dog/b.jpg")
    (inside / "cat/own.jpg").symlink_to("a.jpg")
    found = walk(inside)
    assert found.files == [b"cat/a.jpg", b"dog/b.jpg", b"dog/c.jpg"]
    assert found.set_aside == [
        ("cat/b.jpg", "a link to dog/b.jpg, which is found there"),
        ("dangling.jpg", "a link to nothing"),
        ("puppy", "a link to dog, whose images are found there"),
        ("root", "a link to a folder that this one lies in"),
    ]


def test_a_root_that_is_itself_a_link_is_followed(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/loop").symlink_to("../link")
    found = walk(tmp_path / "link")
    assert (found.files, found.set_aside) == ([b"a.jpg"], [])


def test_pipes_and_sockets_are_set_aside(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert walk(tmp_path).set_aside == [("pipe.jpg", "not a regular file")]


def test_hard_links_are_files_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    os.link(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert walk(tmp_path).files == [b"a.jpg", b"b.jpg"]


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "open/a.jpg", "closed/b.jpg")
    listed = os.scandir

    def refuse(path: bytes) -> object:
        if path.endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = walk(tmp_path)
    assert found.files == [b"open/a.jpg"]
    assert found.set_aside == [("closed", "cannot be listed: Permission denied")]


def test_names_in_a_folder_pass_over_links_that_lead_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", ".hidden.jpg", "notes.txt", "in/b.jpg")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone.jpg").symlink_to("nothing.jpg")
    (tmp_path / "other.jpg").symlink_to("in/b.jpg")
    assert names_in(tmp_path) == ["a.jpg", "other.jpg"]


def test_names_in_a_folder_that_cannot_be_listed_are_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    for look in (names_in, folders_in):
        with pytest.raises(DataError) as caught:
            look(tmp_path)
    assert str(caught.value) == (
        f"the folder {tmp_path} cannot be listed: Permission denied. Allow that it is read, or "
        "name another one."
    )


def test_names_of_any_bytes_are_found_and_shown_on_one_line(tmp_path: Path) -> None:
    names = [b"caf\xe9.jpg", b"line\nbreak.jpg", "猫.jpg".encode()]
    for name in [*names, b".bad\xff"]:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(b"x")
    found = walk(tmp_path)
    assert sorted(found.files) == sorted(names)
    assert [path for path, _ in found.set_aside] == [".bad\\udcff"]


def test_predictions_are_passed_over_but_not_what_lies_beside_them(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "found/masks/1.png", "found/1.png", "found/mine/2.jpg", "only/1.png")
    for folder, names in (("found", ["masks/1.png", "1.png"]), ("only", ["1.png"])):
        lines = [[name, 1, (tmp_path / folder / name).stat().st_mtime_ns] for name in names]
        text = "\n".join(map(json.dumps, lines))
        (tmp_path / folder / ".written-0.jsonl").write_text(text)
    found = walk(tmp_path)
    assert found.files == [b"a/1.jpg", b"found/mine/2.jpg"]
    assert found.folders == ["a", "found"]  # no class without images
    assert walk(tmp_path / "found" / "masks").files == [b"1.png"]  # where they are asked for
    (tmp_path / "found" / "1.png").write_bytes(b"corrected")
    assert b"found/1.png" in walk(tmp_path).files
