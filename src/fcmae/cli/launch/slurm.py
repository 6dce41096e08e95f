"""The script of a SLURM job that saves and queues again when it has to stop."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from fcmae.cli.launch.launch import Launch
from fcmae.errors import FcmaeError, StorageError
from fcmae.files.durable import write_text

SCRIPT = """\
#!/bin/bash
# Written by fcmae launch. Needs a folder that all machines share, for --out and this environment.
{directives}

export OMP_NUM_THREADS={cpus}
{interface}trap : TERM  # the steps answer it, then this script goes on
code=0
srun --kill-on-bad-exit=1 --cpus-per-task={cpus} \\
    {command} || code=$?

# SIGUSR1 comes {warning_s} s before the time is up, SIGTERM when the job has to make room. Either
# way the run has saved its last step, and the same command goes on from it.
if [ "$code" -eq 138 ] || [ "$code" -eq 143 ]; then
    echo "stopped with code $code: back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""


def write_script(options: Launch) -> Path:
    """Write the script; an older one of the same name is replaced."""
    path = options.job.script
    if not path.parent.is_dir():
        raise StorageError(f"job.script is {path}, but there is no folder {path.parent}.")
    write_text(path, script(options))
    return path


def script(options: Launch) -> str:
    """The job: a task for each GPU, which find one another by what SLURM tells them."""
    job = options.job
    asked = {
        "job-name": job.name,
        "nodes": options.nodes,
        "ntasks-per-node": options.gpus,
        "gpus-per-node": options.gpus,
        "cpus-per-task": job.cpus,
        "time": job.time,
        "partition": job.partition,
        "account": job.account,
        "output": f"{job.name}-%j.log",
        "open-mode": "append",
        "signal": f"USR1@{job.warning_s}",
    }
    lines = [f"#SBATCH --{name}={value}" for name, value in asked.items() if value is not None]
    talk = options.interface
    exports = f"export GLOO_SOCKET_IFNAME={talk} NCCL_SOCKET_IFNAME={talk}\n" if talk else ""
    return SCRIPT.format(
        directives="\n".join([*lines, "#SBATCH --requeue"]),
        cpus=job.cpus,
        interface=exports,
        command=shlex.join([sys.executable, "-m", "fcmae", *options.command]),
        warning_s=job.warning_s,
    )


def submit(path: Path) -> str | None:
    """Hand a script to sbatch; its answer, or None where there is no SLURM."""
    if shutil.which("sbatch") is None:
        return None
    done = subprocess.run(["sbatch", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise FcmaeError(f"sbatch refused {path}: {' '.join(done.stderr.split())}")
    return done.stdout.strip()
