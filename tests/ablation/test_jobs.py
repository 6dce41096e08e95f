"""Steps as jobs: started by submitit, found again by the next runner."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from stubs import Desk
from submitit import LocalJob

from fcmae.ablation.options import StepJob
from fcmae.ablation.slurm import NOTE, Jobs
from fcmae.errors import DistributedError
from fcmae.jobs.submit import JobCommand

PLAN = """
metric: finetune.top1
steps: {pretrain: {}, finetune: {command: finetune classify, from: pretrain}}
cells: {one: {}, bad: {finetune: {fails: true}}}
"""
LOCAL = StepJob(cluster="local", gpus=0)


def test_steps_run_as_jobs_and_the_table_is_the_same(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(DistributedError, match="1 of the plan's steps failed") as told:
        desk.run(PLAN, slurm=True, job=LOCAL)
    assert "the stub was told to fail." in str(told.value)
    assert len(desk.calls()) == 3
    here = Desk(tmp_path / "here")
    here.root.mkdir()
    with pytest.raises(DistributedError):
        here.run(PLAN)
    assert [d.read_text().split("\n")[2] for d in sorted(desk.out.glob("table.md"))] == [
        d.read_text().split("\n")[2] for d in sorted(here.out.glob("table.md"))
    ]
    assert not list(desk.out.glob(f"steps/*/{NOTE}"))


@pytest.mark.full
def test_a_job_of_another_runner_is_waited_for_rather_than_begun_again(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    line = [sys.executable, "-c", f"open({str(ran)!r}, 'a').write('x')"]
    jobs = Jobs(LOCAL, tmp_path / "jobs")
    job = jobs._executor.submit(JobCommand(line, tmp_path / "log"))
    (tmp_path / NOTE).write_text(job.job_id)
    job.wait()
    again = Jobs(LOCAL, tmp_path / "jobs")
    assert again.run(line, tmp_path, tmp_path / "log", 0) == 0
    assert ran.read_text() == "x"
    assert again.run(line, tmp_path, tmp_path / "log", 0) == 0
    assert ran.read_text() == "xx"


def test_a_signal_that_comes_while_a_job_is_handed_in_cancels_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, cancelled = Jobs(LOCAL, tmp_path / "jobs"), []
    submit, cancel = jobs._executor.submit, LocalJob.cancel

    def interrupted(command: JobCommand) -> Any:
        job = submit(command)
        jobs.stop(signal.SIGTERM)
        return job

    def note(job: Any, check: bool = True) -> None:
        cancelled.append(job.job_id)
        cancel(job, check)

    monkeypatch.setattr(jobs._executor, "submit", interrupted)
    monkeypatch.setattr(LocalJob, "cancel", note)
    monkeypatch.setattr(LocalJob, "_results_timeout_s", 1)
    jobs.run([sys.executable, "-c", ""], tmp_path, tmp_path / "log", 0)
    assert len(cancelled) == 1


def test_a_job_of_another_runner_that_was_killed_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalJob, "_results_timeout_s", 1)
    ran = tmp_path / "ran"
    line = [sys.executable, "-c", f"open({str(ran)!r}, 'a').write('x')"]
    jobs = Jobs(LOCAL, tmp_path / "jobs")
    lasting = [sys.executable, "-c", "import time; time.sleep(20)"]
    job = jobs._executor.submit(JobCommand(lasting, tmp_path / "log"))
    (tmp_path / NOTE).write_text(job.job_id)
    job._process.kill()
    job._process.wait()
    assert Jobs(LOCAL, tmp_path / "jobs").run(line, tmp_path, tmp_path / "log", 0) == 0
    assert ran.read_text() == "x"
