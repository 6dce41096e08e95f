"""``fcmae launch --slurm``: a training as a job of submitit."""

import io
import sys
from contextlib import redirect_stderr

from fcmae.cli.launch.launch import Launch, Launched
from fcmae.jobs.submit import Command, executor, submit


def submit_training(options: Launch) -> Launched:
    """Hands in a job with a process for each GPU of each machine.

    Raises:
        FcmaeError: There is no SLURM here, or it refused the job.
    """
    talk, gpus = options.interface, options.gpus or 1
    exports = [f"GLOO_SOCKET_IFNAME={talk}", f"NCCL_SOCKET_IFNAME={talk}"] if talk else []
    line = [sys.executable, "-m", "fcmae.cli.step", *options.command]
    made = executor(options.job, options.logs, gpus=gpus, nodes=options.nodes, exports=exports)
    with redirect_stderr(io.StringIO()):  # submitit repeats what sbatch says, as the error does
        job = submit(made, Command(line, fails=True))
    processes = options.nodes * gpus
    return Launched(
        command=options.command, processes=processes, job=job.job_id, log=job.paths.stdout
    )
