"""Jobs of a cluster: each step is a job, which goes on in another one when its time is over."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError
from submitit.helpers import DelayedSubmission

from fcmae.ablation.launch import Launcher, wait_for
from fcmae.ablation.options import Job
from fcmae.errors import StorageError
from fcmae.files.durable import write_text

NOTE = ".job"
"""File with the number of the job that computes a step, by which another runner finds it."""
POLL_S = 0.2
MANY = 1000
"""How often a job may be put off, as each goes on where the one before was."""

KINDS: dict[str, type["submitit.Job[int]"]] = {
    "slurm": submitit.SlurmJob,
    "local": submitit.LocalJob,
}
"""The class of a job by its cluster; only these know how to ask after one, and how to cancel it."""


class Command:
    """Work of a job; it can be sent to another machine."""

    def __init__(self, line: Sequence[str], log: Path) -> None:
        self.line, self.log = tuple(line), str(log)
        self.child: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run the command and give back its exit code."""
        with (
            Path(self.log).open("ab") as file,
            subprocess.Popen(
                self.line, stdin=subprocess.PIPE, stdout=file, stderr=file
            ) as self.child,
        ):
            return self.child.wait()

    def checkpoint(self) -> DelayedSubmission:
        """Let the command save, and do the same again in another job."""
        if self.child is not None:
            self.child.terminate()
            # Not child.wait(): a signal brings us here in the midst of it, and it holds a lock.
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)
        return DelayedSubmission(Command(self.line, Path(self.log)))


class Jobs(Launcher):
    """Steps as jobs of a cluster.

    Args:
        job: What each asks for.
        root: Folder for what the jobs themselves say.
    """

    def __init__(self, job: Job, root: Path) -> None:
        self.places = job.at_once
        self._root, self._cluster = root, job.cluster
        # Under SLURM a run has a process for each GPU, and these are the tasks of its job.
        self._tasks = list(range(max(1, job.gpus) if job.cluster == "slurm" else 1))
        self._executor = submitit.AutoExecutor(
            root, cluster=job.cluster, slurm_max_num_timeout=MANY
        )
        asked: dict[str, str | float | None] = {
            "slurm_partition": job.partition,
            "slurm_account": job.account,
            "mem_gb": job.memory_gb,
        }
        self._executor.update_parameters(
            name="fcmae",
            timeout_min=round(60 * job.hours),
            gpus_per_node=job.gpus,
            tasks_per_node=len(self._tasks),
            cpus_per_task=job.cpus,
            **{name: value for name, value in asked.items() if value is not None},
        )
        self._running: dict[str, Any] = {}
        self._guard = threading.RLock()  # a signal's handler may come while it is held
        self._stopped: int | None = None

    def run(self, line: Sequence[str], folder: Path, log: Path, place: int) -> int:
        """Wait for the job of a step: the one that another runner began, or a new one."""
        note = folder / NOTE
        if note.is_file():
            number = note.read_text(encoding="utf-8")
            former = KINDS[self._cluster](self._root, number, tasks=self._tasks)
            code = self._wait(former, log)
            if code == 0:
                note.unlink()
                return 0
            if self._cluster == "local":
                # All that is known of a process of another runner is that its run is there still.
                with suppress(StorageError):
                    wait_for(folder, lambda: self._stopped is not None)
        with self._guard:
            if self._stopped is not None:
                return 128 + self._stopped
            job = self._executor.submit(Command(line, log))
            write_text(note, job.job_id)
        code = self._wait(job, log)
        note.unlink()
        return code

    def stop(self, number: int) -> None:
        """Cancel every job, which lets it save."""
        with self._guard:
            self._stopped = number
            for job in self._running.values():
                job.cancel(check=False)

    def _wait(self, job: "submitit.Job[int]", log: Path) -> int:
        """The exit code of a job, however it ends."""
        with self._guard:
            self._running[job.job_id] = job
            if self._stopped is not None:  # before the job was known here
                job.cancel(check=False)
        try:
            while not job.done():
                time.sleep(POLL_S)
            return max(job.results(), key=abs)
        except (FailedJobError, UncompletedJobError) as error:
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{error}\nfcmae: the job {job.job_id} ended as {job.state}.\n")
            return 1
        finally:
            with self._guard:
                self._running.pop(job.job_id, None)
