"""What processes tell one another."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcmae.cli.shared.former import begin
from fcmae.cli.shared.written import Journal
from fcmae.peers import Peers

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


def test_no_process_writes_before_former_predictions_are_gone(
    on_processes: OnProcesses, tmp_path: Path
) -> None:
    with Journal(tmp_path).writing("a.png") as path:
        path.touch()

    def process(peers: Peers) -> bool:
        if peers.leads:
            time.sleep(0.2)
        begin(tmp_path, ["a.png"], peers)
        return (tmp_path / "a.png").exists()

    assert on_processes(2, process) == [False, False]
