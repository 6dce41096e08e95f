"""What processes tell one another."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcmae.errors import StorageError
from fcmae.files.journal import Journal
from fcmae.files.together import begin, end
from fcmae.files.written_files import intact
from fcmae.process_group import Peers

OnProcesses = Callable[[int, Callable[[Peers], Any]], list[Any]]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_values_of_all_processes_come_together_in_order(
    size: int, on_processes: OnProcesses
) -> None:
    given: list[list[Any]] = [[{"a": "\u2028 \udc80\n"}, [1, None]], [], [0.1, "x y"]]
    expected = [value for values in given[:size] for value in values]
    found = on_processes(size, lambda peers: peers.together(given[peers.rank]))
    assert found == [expected] * size


def test_nothing_from_anyone_is_nothing(on_processes: OnProcesses) -> None:
    assert on_processes(2, lambda peers: peers.together([])) == [[], []]


def test_the_others_wait_for_the_leader(on_processes: OnProcesses, tmp_path: Path) -> None:
    def process(peers: Peers) -> bool:
        if peers.leads:
            time.sleep(0.2)
            (tmp_path / "there").touch()
        peers.wait()
        return (tmp_path / "there").exists()

    assert on_processes(2, process) == [True, True]


def test_former_predictions_go_when_all_processes_have_written(
    on_processes: OnProcesses, tmp_path: Path
) -> None:
    for rank, name in enumerate(["a.png", "b.png"]):
        with Journal(tmp_path, "predictions", rank).writing(name) as path:
            path.touch()

    def process(peers: Peers) -> None:
        journal = begin(tmp_path, ["a.png", "c.png"], peers)
        if not peers.leads:
            time.sleep(0.2)
            assert (tmp_path / "b.png").exists()
        with journal.writing(["a.png", "c.png"][peers.rank]) as path:
            path.write_text("new")
        end(journal, peers)

    on_processes(2, process)
    assert sorted(intact(tmp_path)) == ["a.png", "c.png"]
    assert not (tmp_path / "b.png").exists()


def test_what_the_leading_process_refuses_reaches_all(
    on_processes: OnProcesses, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_text("mine")

    def process(peers: Peers) -> str:
        with pytest.raises(StorageError) as raised:
            begin(tmp_path, ["a.png"], peers)
        return str(raised.value)

    one, other = on_processes(2, process)
    assert one == other
    assert one.startswith(f"{tmp_path}/a.png is there already and was not written by")
