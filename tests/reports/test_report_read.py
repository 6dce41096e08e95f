"""A run's folder is read in whatever state it is."""

import json
import re
from pathlib import Path

import pytest
from run_folders import losses, write_lines, write_run

from fcmae.errors import CheckpointError
from fcmae.reports.read import read_runs, short_names
from fcmae.reports.run import RunRecord
from fcmae.reports.tables import facts


def read(root: Path) -> RunRecord:
    (record,) = read_runs([root])
    return record


def test_a_whole_run_lacks_nothing(tmp_path: Path) -> None:
    record = read(write_run(tmp_path / "a"))
    assert [line["loss"] for line in record.steps] == losses(0, 40)
    assert record.missing == []
    assert (record.name, record.finished, record.epoch) == ("a", True, 8.0)


def test_a_damaged_run_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    root = write_run(tmp_path / "a", finished=False)
    whole = (root / "metrics.jsonl").read_text()
    (root / "metrics.jsonl").write_text(whole + 'null\n{"kind": "train", "step": 1e999}\n{"ki')
    (root / "options.json").write_text('{"optim": ')
    (root / "environment.json").write_text('{"torch": 1}')
    record = read(root)
    assert len(record.steps) == 40
    assert (record.options, record.starts, record.finished) == ({}, [], False)
    said = " ".join(record.missing)
    assert "options.json cannot be read" in said
    assert "environment.json holds something else" in said
    assert "Of 51 lines of metrics.jsonl, 3 are damaged." in said
    assert "the run has not come to its end" in said


def test_options_alone_are_a_run_that_has_not_begun(tmp_path: Path) -> None:
    (tmp_path / "options.json").write_text("{}")
    said = read(tmp_path).missing
    assert "There is no environment.json." in said
    assert any("there are no curves" in sentence for sentence in said)


def test_numbers_that_are_not_finite_are_counted(tmp_path: Path) -> None:
    root = write_run(tmp_path / "a")
    lines = [{"kind": "train", "step": i, "epoch": float(i), "loss": None} for i in range(3)]
    write_lines(root, lines)
    (sentence,) = read(root).missing
    assert sentence == "3 lines have numbers that are not finite; the curves leave them out."


def test_what_is_no_run_is_refused_in_a_line(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "a")
    (tmp_path / "file").write_text("")
    for root, said in (
        (tmp_path / "none", "none does not exist: give the folder of a run"),
        (tmp_path / "file", "file is not a folder"),
        (tmp_path / "runs", f"The runs in it are {tmp_path / 'runs' / 'a'}."),
        (tmp_path / "runs" / "a" / "pictures", "holds no records of a run"),
    ):
        with pytest.raises(CheckpointError, match=re.escape(said)):
            read_runs([root])


def test_names_are_as_long_as_it_takes_to_tell_runs_apart() -> None:
    roots = [Path("/x/1/pre"), Path("/x/2/pre"), Path("/x/2/fine")]
    assert short_names(roots) == ["1/pre", "2/pre", "fine"]
    assert short_names([Path("/runs/a"), Path("/x/runs/a")]) == ["/runs/a", "x/runs/a"]


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    for cell in ("v1", "v2"):
        (tmp_path / "steps" / f"finetune-{cell}9").mkdir(parents=True)
        (tmp_path / "cells" / cell).mkdir(parents=True)
        (tmp_path / "cells" / cell / "finetune").symlink_to(tmp_path / f"steps/finetune-{cell}9")
    roots = [tmp_path / "cells" / cell / "finetune" for cell in ("v1", "v2")]
    assert short_names(roots) == ["v1/finetune", "v2/finetune"]


def test_lines_that_are_all_damaged_are_counted(tmp_path: Path) -> None:
    root = write_run(tmp_path / "a")
    (root / "metrics.jsonl").write_text("{\n{\n")
    assert read(root).missing == ["Of 2 lines of metrics.jsonl, 2 are damaged."]


def test_a_run_given_twice_is_shown_once(tmp_path: Path) -> None:
    root = write_run(tmp_path / "a")
    assert len(read_runs([root, tmp_path / "." / "a"])) == 1


def test_a_table_of_another_shape_is_no_reason_to_stop(tmp_path: Path) -> None:
    root = write_run(tmp_path / "a")
    (root / "accuracy.json").write_text(json.dumps([1, 2]))
    assert read(root).missing == ["accuracy.json holds something else than it should."]


@pytest.mark.parametrize(
    ("starts", "kind"),
    [
        ([{"command": "finetune segment"}, {"torch": "2"}], "segmentation"),
        ([{"torch": "2"}], "unknown command"),
    ],
)
def test_the_kind_of_a_run_is_the_command_that_it_recorded(
    starts: list[dict[str, str]], kind: str, tmp_path: Path
) -> None:
    root = write_run(tmp_path / "a")
    (root / "environment.json").write_text(json.dumps(starts))
    assert kind in dict(facts(read(root)))["kind"]
