"""Jobs of a cluster: each step is a job, which goes on in another one when its time is over."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError

from fcmae.ablation.launch import Launcher, wait_for
from fcmae.ablation.options import StepJob
from fcmae.errors import StorageError
from fcmae.files.durable import write_text
from fcmae.jobs.submit import JobCommand, executor, submit, tasks

NOTE = ".job"
"""File with the number of the job that computes a step, by which another runner finds it."""
POLL_S = 0.2

KINDS: dict[str, type["submitit.Job[int]"]] = {
    "slurm": submitit.SlurmJob,
    "local": submitit.LocalJob,
}
"""The class of a job by its cluster; only these know how to ask after one, and how to cancel it."""


class Jobs(Launcher):
    """Steps as jobs of a cluster.

    Args:
        job: What each asks for.
        root: Folder for what the jobs themselves say.
    """

    def __init__(self, job: StepJob, root: Path) -> None:
        self.places = job.at_once
        self._root, self._cluster = root, job.cluster
        self._tasks = list(range(tasks(job, job.cluster)))
        self._executor = executor(job, root, job.cluster)
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
            job = submit(self._executor, JobCommand(line, log))
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
