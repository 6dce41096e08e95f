"""A folder of predictions is emptied of what an earlier call wrote, and of nothing else."""

from pathlib import Path

import pytest

from fcmae.cli.former import WRITTEN, begin
from fcmae.errors import StorageError
from fcmae.peers import Peers


def test_only_listed_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    begin(tmp_path / "out", ["a.png", "masks/b.png", "never.png"], Peers())
    for name in ("a.png", "masks/b.png", "mine.png"):
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("x")
    begin(tmp_path / "out", ["c.png"], Peers())
    left = {path.name for path in (tmp_path / "out").rglob("*")}
    assert left == {WRITTEN, "mine.png"}  # nor is a folder that has become empty


def test_what_others_wrote_is_neither_removed_nor_written_over(tmp_path: Path) -> None:
    begin(tmp_path, ["found.png"], Peers())
    (tmp_path / "found.png").write_text("found")
    (tmp_path / "photo.png").write_text("mine")
    with pytest.raises(StorageError, match=r"photo\.png is there already and was not written by"):
        begin(tmp_path, ["found.png", "photo.png"], Peers())
    assert {path.name for path in tmp_path.iterdir()} == {WRITTEN, "found.png", "photo.png"}
    begin(tmp_path, ["new.png"], Peers())
    assert {path.name for path in tmp_path.iterdir()} == {WRITTEN, "photo.png"}


def test_a_folder_in_place_of_a_file_stays(tmp_path: Path) -> None:
    begin(tmp_path, ["a.png"], Peers())
    (tmp_path / "a.png").mkdir()
    with pytest.raises(StorageError, match=r"a\.png is there already"):
        begin(tmp_path, ["a.png"], Peers())
    begin(tmp_path, [], Peers())
    assert (tmp_path / "a.png").is_dir()


@pytest.mark.parametrize("text", ['["../mine"]', '["/mine", 3, ""]', '{"mine": 1}', "[", "3"])
def test_a_list_that_is_not_ours_removes_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / WRITTEN).write_text(text)
    begin(tmp_path / "out", [], Peers())
    assert (tmp_path / "mine").exists()


def test_only_the_leader_writes(tmp_path: Path) -> None:
    begin(tmp_path, ["a.png"], Peers(rank=1, size=2))
    assert not list(tmp_path.iterdir())
