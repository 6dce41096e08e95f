"""How many processes there are, and which device they compute on."""

import pytest
import torch

from fcmae.engine.devices import device_kind, processes
from fcmae.engine.options import Run

TORCHRUN = {"LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}
SLURM = {"SLURM_NTASKS": "16", "SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "8"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (TORCHRUN, (4, 2)),
        ({"LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "1"}, (1, 1)),
        (SLURM, (8, 2)),
        ({"SLURM_NTASKS": "6", "SLURM_NNODES": "3"}, (2, 3)),
        ({"SLURM_NTASKS": "4"}, (4, 1)),
        (SLURM | TORCHRUN, (4, 2)),
    ],
)
@pytest.mark.parametrize("run", [Run(), Run(devices=1), Run(devices=3, nodes=5)])
def test_a_launcher_has_counted_the_processes(
    run: Run, environment: dict[str, str], expected: tuple[int, int]
) -> None:
    assert processes(run, environment, here=2) == expected


@pytest.mark.parametrize("environment", [{}, SLURM | {"SLURM_JOB_NAME": "bash"}])
def test_without_a_launcher_the_options_decide(environment: dict[str, str]) -> None:
    assert processes(Run(), environment, here=2) == (2, 1)
    assert processes(Run(devices=1, nodes=3), environment, here=2) == (1, 3)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_a_way_out(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"use --run\.device cpu"):
        device_kind(Run(device=device))  # type: ignore[arg-type]
