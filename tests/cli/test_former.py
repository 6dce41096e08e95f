"""A folder of predictions is emptied of what an earlier call wrote, and of nothing else."""

from pathlib import Path

import pytest

from fcmae.cli.former import WRITTEN, begin
from fcmae.peers import Peers


def test_only_listed_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    begin(tmp_path / "out", ["a.png", "masks/b.png", "never.png"], Peers())
    for name in ("a.png", "masks/b.png", "mine.png"):
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("x")
    begin(tmp_path / "out", ["c.png"], Peers())
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == {WRITTEN, "mine.png"}


def test_a_file_that_was_there_before_the_first_call_is_never_removed(tmp_path: Path) -> None:
    for name in ("photo.png", "damaged.png"):
        (tmp_path / name).write_text("mine")
    for _ in range(3):
        begin(tmp_path, ["photo.png", "damaged.png", "new.png"], Peers())
        (tmp_path / "new.png").write_text("found")
    begin(tmp_path, [], Peers())
    assert {path.name for path in tmp_path.iterdir()} == {WRITTEN, "photo.png", "damaged.png"}


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
