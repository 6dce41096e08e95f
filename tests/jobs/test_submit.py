"""Commands in jobs: how they end, and how they save when their job goes back into the queue."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fcmae.jobs.options import Job
from fcmae.jobs.submit import JobCommand, executor, submit


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hours": 0.0}, r"job.hours is 0.0, but must be above 0"),
        ({"cpus": 0}, r"job.cpus is 0, but must be at least 1"),
        ({"gpus": -1}, r"job.gpus is -1, but must be at least 0"),
        ({"warning_s": 0}, r"job.warning_s is 0, but must be at least 1"),
        ({"account": "a b"}, r"job.account is 'a b', but must be one word"),
    ],
    ids=str,
)
def test_what_no_job_could_ask_for_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Job(**changes)


def test_a_command_gives_its_code_back_or_fails_with_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = [sys.executable, "-c", "import sys; print('said'); sys.exit(6)"]
    assert JobCommand(line, log)() == 6
    assert log.read_text() == "said\n"
    with pytest.raises(SystemExit) as told:
        JobCommand(line, log, fails=True)()
    assert told.value.code == 6


@pytest.mark.parametrize("code", [0, 143])
def test_a_command_that_has_saved_does_not_fail_its_job(code: int) -> None:
    line = [sys.executable, "-c", f"import sys; sys.exit({code})"]
    assert JobCommand(line, fails=True)() == code


def test_a_command_runs_as_a_job_of_this_machine(tmp_path: Path) -> None:
    line = [sys.executable, "-c", "import os; print(os.environ['SUBMITIT_LOCAL_NTASKS'])"]
    made = executor(Job(gpus=0), tmp_path / "jobs", "local")
    assert submit(made, JobCommand(line, tmp_path / "log")).result() == 0
    assert (tmp_path / "log").read_text() == "1\n"


def test_a_job_that_is_put_off_lets_its_command_save(tmp_path: Path) -> None:
    log = tmp_path / "log"
    saves = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(143)); print('ready')"
    command = JobCommand(
        [sys.executable, "-c", f"{saves}; sys.stdout.flush(); time.sleep(60)"], log
    )
    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(command)
        while not log.exists() or "ready" not in log.read_text():
            time.sleep(0.01)
        later = command.checkpoint()
        assert code.result() == 143
    assert later.function.line == command.line


def test_a_job_that_is_put_off_by_a_signal_is_put_off_while_it_waits(tmp_path: Path) -> None:
    inner = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(143)); time.sleep(60)"
    outer = f"""
import os, signal, sys, threading, time
from pathlib import Path
from fcmae.jobs.submit import JobCommand
command = JobCommand([sys.executable, "-c", {inner!r}], Path({str(tmp_path / "log")!r}))
def put_off(*_):
    command.checkpoint()
    os._exit(17)
signal.signal(signal.SIGUSR2, put_off)
def ask():
    while command.child is None: time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGUSR2)
threading.Thread(target=ask).start()
command()
"""
    done = subprocess.run([sys.executable, "-c", outer], check=False)
    assert done.returncode == 17
