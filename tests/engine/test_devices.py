"""How many processes there are, and which device they compute on."""

import pytest
import torch

from fcmae.engine.devices import device_kind, launch
from fcmae.engine.options import Run
from fcmae.engine.rank_env import Place, place, processes

TORCHRUN = {"LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}
SLURM = {"SLURM_NTASKS": "16", "SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "8"}
SRUN = SLURM | {"SLURM_STEP_NUM_TASKS": "16"}
BATCH = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
"""What the script of ``sbatch -n 4`` is told."""
FABRIC = {"WORLD_SIZE": "2", "LOCAL_RANK": "1", "NODE_RANK": "0"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (TORCHRUN, (4, 2)),
        ({"LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "1"}, (1, 1)),
        (SRUN, (8, 2)),
        ({"SLURM_NTASKS": "6", "SLURM_STEP_NUM_TASKS": "6", "SLURM_NNODES": "3"}, (2, 3)),
        (BATCH | {"SLURM_STEP_NUM_TASKS": "4"}, (4, 1)),
        (SRUN | TORCHRUN, (4, 2)),
        (BATCH | TORCHRUN, (4, 2)),
    ],
)
@pytest.mark.parametrize("run", [Run(), Run(devices=1), Run(devices=3, nodes=5)])
def test_a_launcher_has_counted_the_processes(
    run: Run, environment: dict[str, str], expected: tuple[int, int]
) -> None:
    assert processes(run, environment, here=2) == expected


@pytest.mark.parametrize("environment", [{}, SLURM, BATCH, SRUN | {"SLURM_JOB_NAME": "bash"}])
def test_without_a_launcher_the_options_decide(environment: dict[str, str]) -> None:
    assert processes(Run(), environment, here=2) == (2, 1)
    assert processes(Run(devices=1, nodes=3), environment, here=2) == (1, 3)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Place()),
        (BATCH, Place()),
        (TORCHRUN | {"RANK": "5", "LOCAL_RANK": "1", "GROUP_RANK": "1"}, (8, 5, 1, 1)),
        (SRUN | {"SLURM_PROCID": "9", "SLURM_LOCALID": "1", "SLURM_NODEID": "1"}, (16, 9, 1, 1)),
        (SRUN | {"SLURM_PROCID": "9", "SLURM_JOB_NAME": "interactive"}, Place()),
        (TORCHRUN | {"RANK": "?"}, (8, 0, 0, 0)),
        (FABRIC, (2, 1, 1, 0)),
        (FABRIC | {"RANK": "0", "LOCAL_RANK": "0"}, (2, 0, 0, 0)),
        (FABRIC | {"LOCAL_RANK": "0", "NODE_RANK": "1"}, (2, None, 0, 1)),
        ({"WORLD_SIZE": "2", "LOCAL_RANK": "0", "GROUP_RANK": "1"}, (2, None, 0, 1)),
        (TORCHRUN | {"LOCAL_RANK": "2", "GROUP_RANK": "1"}, (8, 6, 2, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, Place()),
    ],
)
def test_a_process_knows_its_place_from_what_started_it(
    environment: dict[str, str], expected: Place | tuple[int, int | None, int, int]
) -> None:
    found = place(environment)
    if isinstance(expected, tuple):
        expected = Place(**dict(zip(("world", "rank", "local", "machine"), expected, strict=True)))
    assert found == expected
    assert found.leads is (expected.rank == 0)


def test_a_command_in_the_script_of_a_job_does_not_wait_for_tasks_that_nobody_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in BATCH.items():
        monkeypatch.setenv(name, value)
    assert launch(Run(device="cpu", devices=1)).world_size == 1


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_a_way_out(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r'use run=\{"device": "cpu"\}'):
        device_kind(Run(device=device))  # type: ignore[arg-type]
