"""A search proposes the same points whether or not it was stopped, and finishes what it began."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from stubs import Desk

from fcmae.ablation.launch import Here
from fcmae.ablation.plan import Cell
from fcmae.ablation.search import search
from fcmae.ablation.space import Range, Space
from fcmae.errors import CheckpointError, DistributedError
from forking import IGNORE_THREADS, calls_of, killed_after

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)

PLAN = """
metric: pretrain.top1
steps: {pretrain: {best: 0.3}}
search:
  trials: 4
  space:
    pretrain.rate: {low: 0.01, high: 1.0, log: true}
    pretrain.value: {low: 1, high: 4}
    pretrain.seconds: [0.01, 0.02]
"""
SPACE = Space(
    ranges={
        "a.x": Range(low=0.0, high=1.0, log=False, whole=False),
        "a.n": Range(low=1.0, high=9.0, log=False, whole=True),
    },
    choices={"a.c": ["red", "blue"]},
    trials=16,
)
CELL = Cell(name="base", steps={"a": {"size": "64"}})


def merits(cells: list[Cell]) -> dict[str, float | None]:
    """Highest where x is 0.7, n is 3 and c is blue."""
    found = {}
    for cell in cells:
        tree = cell.steps["a"]
        miss = abs(float(tree["x"]) - 0.7) + abs(int(tree["n"]) - 3) / 9 + (tree["c"] == "red")
        found[cell.name] = -miss
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """A search that nothing has stopped."""
    storage = tmp_path_factory.mktemp("whole") / "search.db"
    return search(CELL, SPACE, storage, merits, seed=0, width=1)


def test_later_points_are_better_than_those_drawn_at_random(whole: list[Cell]) -> None:
    values = list(merits(whole).values())
    assert sum(values[10:]) / 6 > sum(values[:10]) / 10 + 0.2
    assert all(cell.steps["a"]["size"] == "64" for cell in whole)
    assert {cell.steps["a"]["c"] for cell in whole} == {"red", "blue"}


def test_a_search_that_was_stopped_proposes_the_same_points(
    whole: list[Cell], tmp_path: Path
) -> None:
    told = 0

    def mortal(cells: list[Cell]) -> dict[str, float | None]:
        nonlocal told
        told += 1
        if told in (3, 4, 13):
            raise KeyboardInterrupt
        return merits(cells)

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            search(CELL, SPACE, tmp_path / "cut.db", mortal, seed=0, width=1)
    assert search(CELL, SPACE, tmp_path / "cut.db", mortal, seed=0, width=1) == whole


@pytest.mark.full
def test_killed_and_started_again_every_trial_is_finished(desk: Desk, tmp_path: Path) -> None:
    calls = calls_of(lambda: desk.run(PLAN), within="fcmae/ablation")
    whole = {row.cell: (row.at, row.mean) for row in desk.run(PLAN).rows}
    assert len(whole) == 4
    other = Desk(tmp_path / "other")
    other.root.mkdir()
    for share in (0.4, 0.5):
        last = int(share * calls)
        assert killed_after(last, lambda: other.run(PLAN), within="fcmae/ablation")
    assert {row.cell: (row.at, row.mean) for row in other.run(PLAN).rows} == whole
    desk.calls()
    other.run(PLAN, search=5)
    assert len(desk.calls()) == 1


def test_a_study_that_was_half_made_is_made_again(tmp_path: Path) -> None:
    cut = tmp_path / "search.db.new"
    with closing(sqlite3.connect(cut)) as file:
        file.execute("create table studies (study_id integer, study_name varchar(512))")
        file.execute("insert into studies values (1, 'plan')")
        file.commit()
    found = search(CELL, SPACE, tmp_path / "search.db", merits, seed=0, width=1)
    assert len(found) == SPACE.trials
    assert not cut.exists()


def test_a_failed_trial_is_tried_again_by_the_next_start(desk: Desk) -> None:
    plan = "metric: pretrain.top1\nsteps: {pretrain: {}}\nsearch:\n  trials: 3\n  space: %s"
    fails = plan % "{pretrain.fails: ['true'], pretrain.rate: {low: 0.1, high: 1.0}}"
    for _ in range(2):
        with pytest.raises(DistributedError, match="3 of the plan's steps failed"):
            desk.run(fails)
        assert desk.calls() == ["pretrain -"] * 3


def test_trials_lie_in_a_file_that_any_reader_of_sqlite_opens(desk: Desk) -> None:
    desk.run(PLAN, search=2)
    with closing(sqlite3.connect(desk.out / "search.db")) as file:
        assert file.execute("select count(*) from trials where state = 'COMPLETE'").fetchone() == (
            2,
        )


def test_a_search_that_goes_on_looks_for_the_same(desk: Desk) -> None:
    desk.run(PLAN, search=2)
    for other in (
        PLAN.replace("trials: 4", "direction: minimize"),
        PLAN.replace("metric:", "seeds: [0, 1]\nmetric:"),
    ):
        with pytest.raises(CheckpointError, match="the plan has changed since"):
            desk.run(other, search=3)


def test_the_table_of_a_search_has_its_points(desk: Desk) -> None:
    desk.run(PLAN, search=2)
    _, _, head, _, *lines, _, best = (desk.out / "table.md").read_text().splitlines()
    assert best == "The best has the highest pretrain.top1 (direction: maximize)."
    columns = [column.strip() for column in head.split("|")]
    assert {"rate", "value", "seconds"} < set(columns)
    assert len({line.split("|")[columns.index("rate")] for line in lines}) == 2


def test_a_step_that_failed_once_is_not_held_against_later_trials(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []
    run = Here.run

    def first_fails(self: Here, line: list[str], folder: Path, log: Path, place: int) -> int:
        begun.append(folder)
        return 1 if len(begun) == 1 else run(self, line, folder, log, place)

    monkeypatch.setattr(Here, "run", first_fails)
    plan = """
metric: finetune.top1
steps: {pretrain: {}, finetune: {command: finetune classify, from: pretrain}}
search: {trials: 3, space: {finetune.rate: {low: 0.1, high: 1.0}}}
"""
    with pytest.raises(DistributedError, match="1 of the plan's steps failed"):
        desk.run(plan)
    assert [folder.name.split("-")[0] for folder in begun] == [
        "pretrain", "pretrain", "finetune", "finetune",
    ]  # fmt: skip
