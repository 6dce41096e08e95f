"""Processes that torchrun starts and ends, and what is said of them; trainings as SLURM's jobs."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from submitit.core.utils import DelayedSubmission
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from fcmae.cli.launch import processes
from fcmae.cli.launch.launch import Launch
from fcmae.cli.launch.launchable import check_launchable
from fcmae.cli.launch.processes import failure
from fcmae.cli.launch.words import LAUNCHED, Words, leave_words, read_words
from fcmae.cli.main import main
from fcmae.errors import DataError, DistributedError, Interrupted

PRETRAIN = "pretrain --data photos --out run"
TRAIN = [
    "--size", "64", "--decoder.width", "16", "--optim.batch_size", "4", "--optim.epochs", "2",
    "--optim.warmup_epochs", "0", "--run.log_every", "1", "--run.device", "cpu",
    "--loader.workers", "0", "--monitor.images", "4", "--monitor.pictures", "1",
]  # fmt: skip
BAD_LINES = [
    (
        "launch",
        "a training has to come after the options of launch, and there is none. Give one as in: "
        "fcmae launch --gpus 2 -- pretrain --data photos --out runs/pretrain. The trainings are "
        "pretrain, ",
    ),
    ("launch --gpus 2 --", "a training has to come after the options of launch, and there is none"),
    (
        "launch info atto",
        "fcmae info does not share its work between processes, so it runs without launch: "
        "fcmae info atto. What can be launched is pretrain, ",
    ),
    ("launch -- --data x", "after the options of launch, not '--data'. Give one as in: fcmae "),
    ("launch pretrian --data x", "there is no command 'pretrian'. Did you mean pretrain?"),
    ("launch pretrain --data x --ot y", "there is no option --ot. Did you mean --out?"),
    ("launch pretrain --data x --out y --help", "give --help and --print-config to fcmae pretrain"),
    (f"launch --gpus 0 {PRETRAIN}", "gpus is 0, but must be at least 1."),
    (
        f"launch --slurm --gpus 2 {PRETRAIN}",
        "gpus is for this machine: with slurm, give --job.gpus",
    ),
    (f"launch --job.name a\nb {PRETRAIN}", r"job.name is 'a\nb', but must be one word."),
]


@pytest.mark.parametrize(("line", "expected"), BAD_LINES, ids=[line for line, _ in BAD_LINES])
def test_a_line_that_cannot_work_says_why_before_anything_starts(
    line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split(" ")) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


def launched(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[Any, dict[str, str]]:
    """What torchrun is told by a launch, and the environment that it starts processes in."""
    told: list[Any] = []

    def start(config: Any, program: str, words: list[str]) -> None:
        assert [program, *words] == [sys.executable, "-m", "fcmae.cli.step", "x"]
        told.extend([config, dict(os.environ)])

    monkeypatch.setattr(processes, "launch_agent", start)
    before = dict(os.environ)
    processes.run_all(Launch(command=["x"], **changes))
    assert dict(os.environ) == before
    return told[0], told[1]


def test_processes_meet_at_a_free_port_and_share_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(13))
    config, environment = launched(monkeypatch, gpus=4)
    assert (config.nproc_per_node, config.rdzv_endpoint) == (4, "127.0.0.1:0")
    assert config.max_restarts == 0
    assert config.signals_to_handle == "SIGTERM,SIGINT,SIGUSR1"
    assert environment["OMP_NUM_THREADS"] == "3"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert launched(monkeypatch, gpus=4)[1]["OMP_NUM_THREADS"] == "5"


def test_handlers_of_signals_are_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(processes, "launch_agent", start)
    processes.run_all(Launch(command=["x"], gpus=1))
    assert signal.getsignal(signal.SIGTERM) is before


LOST = "another process died or stopped answering"
KILLED = "was ended by SIGKILL (the system does that when memory runs out), so the others were "


@pytest.mark.parametrize(
    ("codes", "said", "expected"),
    [
        ({0: 6, 1: 6}, {0: "No images.", 1: "No images."}, (6, "No images.")),
        ({1: 7, 0: 4}, {1: LOST, 0: "Full."}, (4, "process 0 of 2: Full.")),
        ({0: 6, 1: 4}, {0: "A.", 1: "B."}, (6, "process 0 of 2: A.")),
        ({0: -9, 1: 4}, {1: "Full."}, (4, "process 1 of 2: Full.")),
        ({0: 7, 1: -9}, {0: LOST}, (7, f"process 1 of 2 {KILLED}")),
        ({0: -15, 1: -9}, {}, (7, f"process 1 of 2 {KILLED}")),
        ({0: -15, 1: 7}, {1: LOST}, (7, f"process 1 of 2: {LOST}")),
        ({0: 3, 1: -15}, {}, (3, "process 0 of 2 ended with code 3; what it said stands above.")),
    ],
    ids=[
        "alike",
        "cause after consequence",
        "two causes",
        "hanging until killed",
        "killed",
        "killed in silence",
        "on another machine",
        "silent",
    ],
)
def test_an_error_is_said_once_and_the_cause_rather_than_what_came_of_it(
    codes: dict[int, int], said: dict[int, str], expected: tuple[int, str]
) -> None:
    words = [
        Words(rank=rank, text=text, code=codes[rank], timestamp=float(number), early=False)
        for number, (rank, text) in enumerate(said.items())
    ]
    error = failure(words, codes, None, of=2)
    assert error.exit_code == expected[0]
    assert str(error).startswith(expected[1])


def test_what_one_process_finds_early_is_said_for_all() -> None:
    words = Words(rank=1, text="No images.", code=6, timestamp=0.0, early=True)
    assert str(failure([words], {0: -15, 1: 6}, None, of=2)) == "No images."


def test_words_are_left_where_torchrun_looks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leave_words("nobody asks", 1) is False
    for rank, run_id in ((1, LAUNCHED), (0, "none")):
        folder = tmp_path / str(rank)
        folder.mkdir()
        monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(folder / "error.json"))
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", run_id)
        for name, value in zip(TORCHRUN, ("2", f"{rank}", f"{rank}", "2"), strict=True):
            monkeypatch.setenv(name, value)
        assert leave_words(f"of {rank}", 4 + rank) is (run_id == LAUNCHED)
    found = [(words.rank, words.text, words.code) for words in read_words(tmp_path)]
    assert found == [(1, "of 1", 5), (0, "of 0", 4)]
    # torchrun reads the same file.
    told = ProcessFailure(0, 1, 4, str(tmp_path / "0" / "error.json"))
    assert "of 0" in ChildFailedError("fcmae", {0: told}).format_msg()


@pytest.mark.full
def test_an_error_in_the_data_is_said_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = train(tmp_path / "nowhere", tmp_path / "run")
    assert main(["launch", "--gpus", "2", "--", *words]) == DataError.exit_code
    said = capfd.readouterr().err
    assert said == f"fcmae: there is no file or folder {tmp_path / 'nowhere'}.\n"


ORPHAN = """
import subprocess, sys, time
from fcmae.cli.launch.processes import _inherited
child = "import sys; sys.stdin.read(); open({ended!r}, 'w').write('x')"
with _inherited(1):
    subprocess.Popen([sys.executable, "-c", child])
    print("ready", flush=True)
    time.sleep(100)
"""


def test_processes_learn_that_their_launcher_was_killed(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    program = ORPHAN.format(ended=str(ended))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == b"ready\n"
        assert not ended.exists()
        launcher.kill()
    while not ended.exists():  # the test's own time limit ends it
        time.sleep(0.01)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def train(photos: Path, out: Path) -> list[str]:
    return ["pretrain", "--data", str(photos), "--out", str(out), *TRAIN]


def losses(out: Path) -> list[float]:
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [line["loss"] for line in lines if line["kind"] == "train"]


def evaluated(out: Path) -> dict[str, float]:
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    last = [line for line in lines if line["kind"] == "evaluation"][-1]
    return {name: value for name, value in last.items() if name != "kind"}


def fcmae(*words: str, **how: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "fcmae", *words]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **how)


TORCHRUN = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
SLURM = ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS")


@pytest.mark.full(but=["names0"])
@pytest.mark.parametrize("names", [TORCHRUN, SLURM])
def test_what_is_wrong_for_all_processes_is_said_once_per_machine(names: tuple[str, ...]) -> None:
    for rank, local, said in ((0, 0, True), (1, 1, False), (2, 0, True)):
        place = dict(zip(names, ("4", f"{rank}", f"{local}", "2"), strict=True))
        run = fcmae("info", "--model", "attoo", env={**os.environ, **place})
        _, words = run.communicate()
        assert run.returncode == 2
        assert words.startswith("fcmae: there is no model 'attoo'") is said
        assert bool(words) is said


def test_what_is_wrong_in_one_process_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in zip(TORCHRUN, "4312", strict=True):
        monkeypatch.setenv(name, value)
    assert (
        main(["info", "--model", "attoo"]) == 2
    )  # PyTorch is there, as after the start of a training
    assert capsys.readouterr().err.startswith("fcmae: process 3 of 4: there is no model 'attoo'")


def test_a_process_that_does_not_know_its_number_is_named_by_its_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("WORLD_SIZE", "4"), ("LOCAL_RANK", "0"), ("NODE_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert main(["info", "--model", "attoo"]) == 2
    assert capsys.readouterr().err.startswith(
        "fcmae: process 0 of machine 1: there is no model 'attoo'"
    )


def test_what_is_wrong_in_the_script_of_a_job_names_no_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in zip(SLURM[:3], "400", strict=True):
        monkeypatch.setenv(name, value)
    assert main(["info", "--model", "attoo"]) == 2
    assert capsys.readouterr().err.startswith("fcmae: there is no model 'attoo'")


@pytest.mark.slow
def test_a_process_that_is_killed_ends_all(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [*train(photos, out), "--optim.epochs", "100000"]
    launcher = fcmae("launch", "--gpus", "2", "--", *words)
    while not (out / "metrics.jsonl").exists() or not losses(out):
        time.sleep(0.1)
        assert launcher.poll() is None
    listing = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text()
    children = list(map(int, listing.split()))
    assert len(children) == 2
    os.kill(children[1], signal.SIGKILL)
    _, said = launcher.communicate()
    assert launcher.returncode == DistributedError.exit_code
    assert "fcmae: process 1 of 2 was ended by SIGKILL" in said
    assert said.count("fcmae: ") == 1
    assert not any(Path(f"/proc/{child}").exists() for child in children)


NODES = 2


@pytest.fixture
def hosts() -> Any:
    """Two hosts on one machine: network namespaces with a cable between them."""
    names = [f"fcmae-{os.getpid()}-{number}" for number in range(NODES)]
    cable = [f"fc{os.getpid() % 100000}-{number}" for number in range(NODES)]

    def ip(line: str) -> bool:
        done = subprocess.run(["ip", *line.split()], capture_output=True, check=False)
        return done.returncode == 0

    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("needs root and the ip command of iproute2")
    try:
        if not all(ip(f"netns add {name}") for name in names):
            pytest.skip("this system does not give network namespaces")
        assert ip(f"link add {cable[0]} type veth peer name {cable[1]}")
        for number, (name, end) in enumerate(zip(names, cable, strict=True)):
            assert ip(f"link set {end} netns {name}")
            assert ip(f"-n {name} addr add 10.231.77.{number + 1}/24 dev {end}")
            assert ip(f"-n {name} link set {end} up")
            assert ip(f"-n {name} link set lo up")
        yield list(zip(names, cable, strict=True))
    finally:
        for name in names:
            ip(f"netns del {name}")


@pytest.mark.slow
def test_two_hosts_do_what_one_process_does(
    hosts: list[tuple[str, str]], photos: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(train(photos, one)) == 0
    runs = [
        subprocess.Popen([
            "ip", "netns", "exec", name, "env", f"GLOO_SOCKET_IFNAME={end}", "torchrun",
            "--nnodes", "2", "--node-rank", str(number), "--master-addr", "10.231.77.1",
            "-m", "fcmae", *train(photos, two),
        ])
        for number, (name, end) in enumerate(hosts)
    ]  # fmt: skip
    assert [run.wait() for run in runs] == [0, 0]
    assert losses(two)[0] == pytest.approx(losses(one)[0], rel=1e-6)
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    assert evaluated(two) == pytest.approx(evaluated(one), rel=1e-3)
    starts = json.loads((two / "environment.json").read_text())
    assert starts[-1]["processes"] == 2


PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
LINES = re.findall(r"^fcmae (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_page_is_one(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *words = shlex.split(line)
    assert main([name, "--print-config", *words]) == 0
    assert "Still to be given" not in capsys.readouterr().out
    if name == "launch" and "--" in words:
        check_launchable(words[words.index("--") + 1 :])


def test_a_signal_before_anything_could_save_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(*_: Any) -> None:
        raise SignalException("asked", signal.SIGTERM)

    monkeypatch.setattr(processes, "launch_agent", start)
    with pytest.raises(Interrupted, match="SIGTERM: stopped before the first step") as told:
        processes.run_all(Launch(command=["x"], gpus=1))
    assert told.value.exit_code == 143


SBATCH = """\
#!/bin/bash
cp "$1" {root}/job.sbatch
echo "Submitted batch job 20007"
"""
SRUN = """\
#!/bin/bash
# Two tasks, as srun starts them, each with what SLURM tells it.
while [[ "$1" == --* ]]; do [[ "$1" == --output ]] && shift; shift; done
export SLURM_JOB_ID=20007 SLURM_NTASKS=2 SLURM_NNODES=1 SLURM_NTASKS_PER_NODE=2
export SLURM_STEP_NUM_TASKS=2 SLURM_STEP_ID=0
export SLURM_NODELIST=127.0.0.1 SLURM_NODEID=0 SLURM_JOB_NAME=fcmae SLURM_JOB_NUM_NODES=1
for rank in 0 1; do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" & pids[$rank]=$!
done
echo "${pids[@]}" > {root}/tasks
worst=0
for pid in "${pids[@]}"; do wait $pid || { code=$?; [ $code -gt $worst ] && worst=$code; }; done
exit $worst
"""
SCONTROL = '#!/bin/bash\necho "$@" >> {root}/asked\n'


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the programs of SLURM; the folder that they write to."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL}.items():
        (programs / name).write_text(text.replace("{root}", str(tmp_path)))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def submitted(cluster: Path, words: list[str], *more: str) -> dict[str, str]:
    """Hand a training in; what is asked of SLURM."""
    asking = ["launch", "--slurm", "--job.gpus", "2", "--logs", f"{cluster}/jobs", *more]
    assert main([*asking, "--", *words]) == 0
    text = (cluster / "job.sbatch").read_text()
    assert subprocess.run(["bash", "-n", f"{cluster}/job.sbatch"], check=False).returncode == 0
    return dict(re.findall(r"^#SBATCH --([\w-]+)(?:=(.*))?$", text, re.MULTILINE))


def test_a_job_asks_for_what_was_said(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pretrain", "--data", "two words", "--out", "run"]
    asked = submitted(
        cluster, words, *shlex.split(
            "--job.nodes 2 --job.hours 2 --job.partition gpu --job.warning_s 60 --job.cpus 4"
        )
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "Job 20007 is in the queue." in said
    assert f"{cluster}/jobs/20007_0_log.out" in said
    assert (asked["nodes"], asked["ntasks-per-node"], asked["gpus-per-node"]) == ("2", "2", "2")
    assert (asked["signal"], asked["partition"], asked["time"]) == ("USR2@60", "gpu", "120")
    assert "account" not in asked
    assert "requeue" in asked
    text = (cluster / "job.sbatch").read_text()
    assert "export OMP_NUM_THREADS=4\n" in text
    assert "--cpus-per-task=4 --kill-on-bad-exit=1" in text
    job = DelayedSubmission.load(cluster / "jobs" / "20007_submitted.pkl")
    assert job.function.line == (sys.executable, "-m", "fcmae.cli.step", *words)


def test_without_slurm_a_job_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["launch", "--slurm", "--logs", f"{tmp_path}/jobs", "--"]
    assert main([*words, *shlex.split(PRETRAIN)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("fcmae: there is no srun on this machine")
    assert said.count("\n") == 1


def test_a_job_that_slurm_refuses_is_told_in_a_line(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cluster / "bin" / "sbatch").write_text("#!/bin/bash\necho no such partition >&2\nexit 1\n")
    words = ["launch", "--slurm", "--logs", f"{cluster}/jobs", "--"]
    assert main([*words, *shlex.split(PRETRAIN)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("fcmae: the cluster refused the job: ")
    assert "no such partition" in said
    assert said.count("\n") == 1


def run_job(cluster: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["bash", "job.sbatch"], cwd=cluster)


@pytest.mark.full
def test_a_job_that_fails_ends_with_the_code_of_its_command(cluster: Path) -> None:
    submitted(cluster, train(cluster / "nowhere", cluster / "run"))
    assert run_job(cluster).wait() == DataError.exit_code
    assert not (cluster / "asked").exists()


@pytest.mark.slow
def test_a_job_that_is_warned_saves_and_queues_again(cluster: Path, photos: Path) -> None:
    out = cluster / "run"
    submitted(cluster, train(photos, out))
    first = run_job(cluster)
    while not (out / "metrics.jsonl").exists() or not losses(out):
        time.sleep(0.02)
    for pid in (cluster / "tasks").read_text().split():
        os.kill(int(pid), signal.SIGUSR2)
    first.wait()
    assert (cluster / "asked").read_text() == "requeue 20007\n"
    assert len(losses(out)) < 4
    assert run_job(cluster).wait() == 0
    assert len(losses(out)) == 4
    assert (cluster / "asked").read_text() == "requeue 20007\n"
