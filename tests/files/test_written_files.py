"""Files of earlier calls leave a folder when a call is done; those of others always stay."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from fcmae.errors import StorageError
from fcmae.files.journal import Journal
from fcmae.files.together import begin, end
from fcmae.files.written_files import intact, record_name
from fcmae.process_group import Peers

RECORD = record_name("predictions")
STAGED = ".staging-predictions-7.png"


def call(folder: Path, *names: str, kill: str = "") -> None:
    """A call that writes these files; a kill falls between the line of one and its name."""
    journal = begin(folder, [*names, kill] if kill else names, Peers())
    for name in names:
        write(journal, name)
    if kill:
        with journal.writing(kill) as path:
            path.write_text("half")
        (folder / kill).rename(folder / STAGED)
    else:
        end(journal, Peers())


def write(journal: Journal, name: str) -> None:
    with journal.writing(name) as path:
        path.write_text("predicted")


def files_in(folder: Path) -> set[str]:
    return {f"{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}


def test_what_an_earlier_call_wrote_is_removed_and_nothing_else(tmp_path: Path) -> None:
    call(tmp_path, "a.png", "masks/b.png")
    (tmp_path / "mine.png").write_text("mine")
    call(tmp_path, "c.png")
    assert files_in(tmp_path) == {RECORD, "c.png", "mine.png"}
    assert not (tmp_path / "masks").exists()  # a folder that has become empty


def test_a_killed_call_claims_nothing_that_it_did_not_write(tmp_path: Path) -> None:
    call(tmp_path, "a.png", kill="b.png")
    (tmp_path / "b.png").write_text("mine")
    (tmp_path / "c.png").write_text("mine")
    with pytest.raises(StorageError, match=r"b\.png is there already and was not written by"):
        begin(tmp_path, ["b.png"], Peers())
    assert (tmp_path / "a.png").exists()  # nothing is removed before that is known
    call(tmp_path, "d.png")
    assert files_in(tmp_path) == {RECORD, "b.png", "c.png", "d.png"}  # no half-written one is left


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    call(tmp_path, "a.png")
    with (tmp_path / RECORD).open("a") as lines:
        lines.write('["b.p')
    call(tmp_path, "c.png", kill="d.png")
    assert files_in(tmp_path) == {RECORD, "a.png", "c.png", STAGED}
    call(tmp_path, "e.png")
    assert files_in(tmp_path) == {RECORD, "e.png"}


def test_what_there_was_stays_until_a_call_is_done(tmp_path: Path) -> None:
    call(tmp_path, "a.png", "b.png")
    call(tmp_path, "a.png", kill="c.png")  # and after that, both calls' files are known as ours
    assert files_in(tmp_path) == {RECORD, "a.png", "b.png", STAGED}
    assert intact(tmp_path) == ["b.png", "a.png"]
    call(tmp_path, "a.png")
    assert files_in(tmp_path) == {RECORD, "a.png"}


def test_a_call_that_wrote_nothing_removes_nothing(tmp_path: Path) -> None:
    call(tmp_path, "a.png")
    call(tmp_path)
    assert files_in(tmp_path) == {RECORD, "a.png"}
    assert intact(tmp_path) == ["a.png"]


def test_a_file_that_was_changed_since_is_the_users(tmp_path: Path) -> None:
    call(tmp_path, "a.png", "b.png")
    (tmp_path / "a.png").write_text("corrected")
    with pytest.raises(StorageError, match=r"a\.png is there already and was not written by .* or"):
        begin(tmp_path, ["a.png"], Peers())
    assert files_in(tmp_path) == {RECORD, "a.png", "b.png"}
    call(tmp_path, "c.png")
    assert (tmp_path / "a.png").read_text() == "corrected"
    assert files_in(tmp_path) == {RECORD, "a.png", "c.png"}


def test_a_folder_in_place_of_a_file_stays(tmp_path: Path) -> None:
    call(tmp_path, "a.png")
    (tmp_path / "a.png").unlink()
    (tmp_path / "a.png").mkdir()
    with pytest.raises(StorageError, match=r"a\.png is there already"):
        begin(tmp_path, ["a.png"], Peers())
    call(tmp_path, "b.png")
    assert (tmp_path / "a.png").is_dir()


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    journal = begin(tmp_path, ["a.png"], Peers())
    with suppress(ZeroDivisionError), journal.writing("a.png") as path:
        path.write_text("half")
        _ = 1 / 0
    assert files_in(tmp_path) == set()


def test_each_process_keeps_a_journal_and_the_next_call_reads_all(tmp_path: Path) -> None:
    for rank in (0, 1):
        write(begin(tmp_path, ["a.png", "b.png"], Peers(rank=rank, size=2)), f"{'ab'[rank]}.png")
    assert files_in(tmp_path) == {RECORD, ".written-1.jsonl", "a.png", "b.png"}
    call(tmp_path, "c.png")
    assert files_in(tmp_path) == {RECORD, "c.png"}


@pytest.mark.parametrize(
    "text",
    [
        '["../mine"]',
        '["/mine", 3, ""]',
        '{"mine": 1}',
        "[",
        "3",
        '["a\\u0000", 1, 2]',
        '["\\ud800", 1, 2]',
        "[" * 100_000,
    ],
)
def test_a_record_that_is_not_ours_removes_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RECORD).write_text(text)
    call(tmp_path / "out", "new")
    assert (tmp_path / "mine").exists()


def test_a_line_that_leads_out_of_the_folder_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    (tmp_path / "out").mkdir()
    status = (tmp_path / "mine").stat()
    line = json.dumps(["../mine", status.st_size, status.st_mtime_ns])
    (tmp_path / "out" / RECORD).write_text(line)
    call(tmp_path / "out", "new")
    assert (tmp_path / "mine").exists()
