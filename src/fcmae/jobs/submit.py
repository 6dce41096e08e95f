"""Commands as jobs of submitit: they save and go back into the queue when their time is over."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.helpers import DelayedSubmission

from fcmae.errors import FcmaeError
from fcmae.jobs.options import Job

Cluster = Literal["slurm", "local"]

MANY = 1000
"""How often a job may go back into the queue, as each goes on where the one before was."""

ASKED_TO_STOP = (130, 138, 143)
"""Exit codes of commands that a signal has asked to stop, and that have saved."""


class JobCommand:
    """Work of a process of a job; it can be sent to another machine.

    Args:
        line: The program and its arguments. It ends when its standard input is closed.
        log: File for all that it says; None leaves that to SLURM.
        fails: Let the job fail with the command's exit code, which ends the job's other
            processes. By default the job succeeds, and its result is the code.
    """

    def __init__(
        self, line: Sequence[str], log: Path | None = None, *, fails: bool = False
    ) -> None:
        self.line, self.fails = tuple(line), fails
        self.log = None if log is None else str(log)
        self.child: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Runs the command; returns its exit code."""
        with ExitStack() as open_files:
            log = None if self.log is None else open_files.enter_context(open(self.log, "ab"))
            self.child = open_files.enter_context(
                subprocess.Popen(self.line, stdin=subprocess.PIPE, stdout=log, stderr=log)
            )
            code = self.child.wait()
        if self.fails and code and code not in ASKED_TO_STOP:
            sys.exit(max(code, 1))
        return code

    def checkpoint(self) -> DelayedSubmission:
        """Lets the command save, to do the same again when the job has come back."""
        if self.child is not None:
            self.child.terminate()
            # Not child.wait(): a signal brings us here in the midst of it, and it holds a lock.
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)
        log = None if self.log is None else Path(self.log)
        return DelayedSubmission(JobCommand(self.line, log, fails=self.fails))


def tasks(job: Job, cluster: Cluster = "slurm") -> int:
    """Returns the number of processes of a job: under SLURM one for each GPU."""
    return job.nodes * max(1, job.gpus) if cluster == "slurm" else 1


def executor(job: Job, folder: Path, cluster: Cluster = "slurm") -> submitit.AutoExecutor:
    """Returns what submits commands with these demands.

    The processes of a job find one another by what SLURM tells them.

    Args:
        job: What is asked for.
        folder: For the state and the logs of jobs; all machines have to see it.
        cluster: ``local`` runs jobs as processes of this machine.

    Raises:
        FcmaeError: There is no SLURM here.
    """
    try:
        made = submitit.AutoExecutor(folder, cluster=cluster, slurm_max_num_timeout=MANY)
    except RuntimeError as error:
        raise FcmaeError(
            "there is no srun on this machine: give the command on a machine of the cluster."
        ) from error
    asked: dict[str, str | float | None] = {
        "slurm_partition": job.partition,
        "slurm_account": job.account,
        "mem_gb": job.memory_gb,
    }
    made.update_parameters(
        name=job.name,
        timeout_min=round(60 * job.hours),
        nodes=job.nodes,
        gpus_per_node=job.gpus,
        tasks_per_node=tasks(job, cluster) // job.nodes,
        cpus_per_task=job.cpus,
        stderr_to_stdout=True,
        slurm_signal_delay_s=job.warning_s,
        slurm_additional_parameters={"requeue": True},
        slurm_setup=[f"export OMP_NUM_THREADS={job.cpus}"],
        slurm_srun_args=[f"--cpus-per-task={job.cpus}", "--kill-on-bad-exit=1"],
        **{name: value for name, value in asked.items() if value is not None},
    )
    return made


def submit(executor: submitit.AutoExecutor, command: JobCommand) -> "submitit.Job[int]":
    """Hands a command in.

    Raises:
        FcmaeError: The cluster refused the job.
    """
    try:
        return executor.submit(command)
    except (FailedJobError, FailedSubmissionError) as error:
        raise FcmaeError(f"the cluster refused the job: {' '.join(str(error).split())}") from error
