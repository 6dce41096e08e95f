"""Processes started together, watched and ended together; jobs for SLURM that come back."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcmae.cli.launch import processes
from fcmae.cli.launch.launch import Job, Launch
from fcmae.cli.launch.launchable import check_launchable
from fcmae.cli.launch.processes import Worker, environment, failure, wait
from fcmae.cli.launch.slurm import script
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
    (f"launch --nodes 2 {PRETRAIN}", "nodes is 2, but there is no --address by which the machines"),
    (f"launch --nodes 2 --node 2 {PRETRAIN}", "node is 2, but must be from 0 to 1, as nodes is 2"),
    (f"launch --gpus 0 {PRETRAIN}", "gpus is 0, but must be at least 1."),
    (f"launch --port 70000 {PRETRAIN}", "port is 70000, but must be from 1 to 65535."),
    (f"launch --slurm {PRETRAIN}", "slurm needs to know how many GPUs to ask for: give --gpus."),
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


def test_each_process_knows_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    options = Launch(command=["x"], nodes=3, node=2, address="10.0.0.1", interface="ib0")
    place = environment(options, 1, gpus=4, port=5)
    assert {name: place[name] for name in ("RANK", "LOCAL_RANK", "GROUP_RANK")} == {
        "RANK": "9", "LOCAL_RANK": "1", "GROUP_RANK": "2",
    }  # fmt: skip
    assert (place["WORLD_SIZE"], place["LOCAL_WORLD_SIZE"]) == ("12", "4")
    assert (place["MASTER_ADDR"], place["MASTER_PORT"]) == ("10.0.0.1", "5")
    assert place["GLOO_SOCKET_IFNAME"] == place["NCCL_SOCKET_IFNAME"] == "ib0"
    assert int(place["OMP_NUM_THREADS"]) >= 1


def worker(rank: int, program: str) -> Worker:
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    return Worker(rank=rank, process=process)


DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"


def test_one_that_fails_ends_those_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_S", 0.3)
    monkeypatch.setattr(processes, "LAST_S", 0.3)
    both = [worker(0, DEAF), worker(1, "import sys; sys.exit(5)")]
    begun = time.monotonic()
    failed = wait(both)
    assert time.monotonic() - begun < 5
    assert failed == both[1:]
    assert both[0].process.returncode == -signal.SIGKILL
    error = failure(failed, {}, of=2)
    assert (error.exit_code, str(error)) == (
        5, "process 1 of 2 ended with code 5; what it said stands above.",
    )  # fmt: skip


def test_the_first_that_failed_is_blamed_and_all_that_end_well_are_waited_for() -> None:
    assert wait([worker(0, "pass"), worker(1, "import time; time.sleep(0.2)")]) == []
    killed = worker(1, "import os; os.kill(os.getpid(), 9)")
    error = failure(wait([worker(0, "pass"), killed]), {}, of=2)
    assert error.exit_code == DistributedError.exit_code
    assert "process 1 of 2 was ended by SIGKILL (the system does that when memory" in str(error)


LOST = "another process died or stopped answering"


@pytest.mark.parametrize(
    ("codes", "said", "expected"),
    [
        ({0: 6, 1: 6}, {0: "No images.", 1: "No images."}, (6, "No images.")),
        ({1: 7, 0: 4}, {0: "Full.", 1: LOST}, (4, "process 0 of 2: Full.")),
        ({0: 6, 1: 4}, {0: "A.", 1: "B."}, (6, "process 0 of 2: A. process 1 of 2: B.")),
        ({1: 7}, {1: LOST}, (7, f"process 1 of 2: {LOST}")),
        ({0: 2}, {0: "A."}, (2, "process 0 of 2: A.")),
        ({0: 3, 1: 3}, {}, (3, "process 0 of 2 ended with code 3; what it said stands above.")),
    ],
    ids=[
        "alike",
        "cause after consequence",
        "two causes",
        "on another machine",
        "one alone",
        "silent",
    ],
)
def test_each_error_is_said_once_and_the_cause_before_what_came_of_it(
    codes: dict[int, int], said: dict[int, str], expected: tuple[int, str]
) -> None:
    failed = [worker(rank, f"import sys; sys.exit({code})") for rank, code in codes.items()]
    for each in failed:
        each.process.wait()
    error = failure(failed, said, of=2)
    assert (error.exit_code, str(error)) == expected


def test_an_error_in_the_data_is_said_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = train(tmp_path / "nowhere", tmp_path / "run")
    assert main(["launch", "--gpus", "2", "--", *words]) == DataError.exit_code
    said = capfd.readouterr().err
    assert said == f"fcmae: there is no file or folder {tmp_path / 'nowhere'}.\n"


def test_where_one_cannot_be_started_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(command: list[str], environ: dict[str, str]) -> Worker:
        if started:
            raise BlockingIOError("no more processes")
        started.append(worker(0, DEAF))
        return started[0]

    monkeypatch.setattr(processes, "_start", start)
    with pytest.raises(BlockingIOError):
        processes.run_all(Launch(command=["x"]), gpus=2)
    assert started[0].process.poll() == -signal.SIGKILL


def test_a_job_asks_for_what_was_said_and_comes_back(tmp_path: Path) -> None:
    job = Job(script=tmp_path / "x", time="2:00:00", partition="gpu", warning_s=60, cpus=4)
    command = ["pretrain", "--data", "two words", "--out", "run"]
    text = script(Launch(command=command, nodes=2, gpus=8, slurm=True, job=job))
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", text, re.MULTILINE))
    assert (asked["nodes"], asked["ntasks-per-node"], asked["gpus-per-node"]) == ("2", "8", "8")
    assert (asked["signal"], asked["partition"], "account" in asked) == ("USR1@60", "gpu", False)
    assert "#SBATCH --requeue\n" in text
    assert "pretrain --data 'two words' --out run" in text
    (tmp_path / "x").write_text(text)
    assert subprocess.run(["bash", "-n", str(tmp_path / "x")], check=False).returncode == 0


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


@pytest.mark.parametrize("names", [TORCHRUN, SLURM])
def test_what_is_wrong_for_all_processes_is_said_once_per_machine(names: tuple[str, ...]) -> None:
    for rank, local, said in ((0, 0, True), (1, 1, False), (2, 0, True)):
        place = dict(zip(names, ("4", f"{rank}", f"{local}", "2"), strict=True))
        run = fcmae("info", "--model", "attoo", env={**os.environ, **place})
        _, words = run.communicate(timeout=60)
        assert run.returncode == 2
        assert words.startswith("fcmae: model is 'attoo'") is said
        assert bool(words) is said


def test_what_is_wrong_in_one_process_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in zip(TORCHRUN, "4312", strict=True):
        monkeypatch.setenv(name, value)
    assert (
        main(["info", "--model", "attoo"]) == 2
    )  # PyTorch is there, as after the start of a training
    assert capsys.readouterr().err.startswith("fcmae: process 3 of 4: model is 'attoo'")


def test_a_process_that_does_not_know_its_number_is_named_by_its_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("WORLD_SIZE", "4"), ("LOCAL_RANK", "0"), ("NODE_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert main(["info", "--model", "attoo"]) == 2
    assert capsys.readouterr().err.startswith("fcmae: process 0 of machine 1: model is 'attoo'")


def test_what_is_wrong_in_the_script_of_a_job_names_no_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in zip(SLURM[:3], "400", strict=True):
        monkeypatch.setenv(name, value)
    assert main(["info", "--model", "attoo"]) == 2
    assert capsys.readouterr().err.startswith("fcmae: model is 'attoo'")


@pytest.mark.slow
def test_a_process_that_is_killed_ends_all_within_ten_seconds(photos: Path, tmp_path: Path) -> None:
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
    begun = time.monotonic()
    _, said = launcher.communicate(timeout=60)
    assert time.monotonic() - begun < 10
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
            "ip", "netns", "exec", name, sys.executable, "-m", "fcmae", "launch",
            "--nodes", "2", "--node", str(number), "--gpus", "1", "--address", "10.231.77.1",
            "--interface", end, "--", *train(photos, two),
        ])
        for number, (name, end) in enumerate(hosts)
    ]  # fmt: skip
    assert [run.wait(timeout=200) for run in runs] == [0, 0]
    assert losses(two)[0] == pytest.approx(losses(one)[0], rel=1e-6)
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    assert evaluated(two) == pytest.approx(evaluated(one), rel=1e-3)
    starts = json.loads((two / "environment.json").read_text())
    assert starts[-1]["processes"] == 2


SRUN = """\
#!/bin/bash
# Two tasks, as srun starts them, each with what SLURM tells it.
while [[ "$1" == --* ]]; do shift; done
export SLURM_JOB_ID=$((20000 + $$ % 10000)) SLURM_NTASKS=2 SLURM_NNODES=1 SLURM_NTASKS_PER_NODE=2
export SLURM_STEP_NUM_TASKS=2 SLURM_STEP_ID=0
export SLURM_NODELIST=127.0.0.1 SLURM_NODEID=0 SLURM_JOB_NAME=fcmae SLURM_JOB_NUM_NODES=1
for rank in 0 1; do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" & pids[$rank]=$!
done
echo "${pids[@]}" > tasks
worst=0
for pid in "${pids[@]}"; do wait $pid || { code=$?; [ $code -gt $worst ] && worst=$code; }; done
exit $worst
"""


@pytest.mark.slow
def test_a_job_that_is_warned_saves_and_queues_again(photos: Path, tmp_path: Path) -> None:
    for name, text in {"srun": SRUN, "scontrol": '#!/bin/bash\necho "$@" >> asked\n'}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    out = tmp_path / "run"
    words = ["launch", "--slurm", "--gpus", "2", "--job.script", f"{tmp_path}/job.sbatch"]
    assert main([*words, "--job.submit", "false", "--", *train(photos, out)]) == 0
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    how: Any = {"cwd": tmp_path, "env": {**os.environ, "PATH": path, "SLURM_JOB_ID": "7"}}

    def warn() -> None:
        while not (out / "metrics.jsonl").exists() or not losses(out):
            time.sleep(0.02)
        for pid in (tmp_path / "tasks").read_text().split():
            os.kill(int(pid), signal.SIGUSR1)

    warner = threading.Thread(target=warn)
    warner.start()
    first = subprocess.run(["bash", "job.sbatch"], check=False, **how)
    warner.join()
    assert first.returncode == 128 + signal.SIGUSR1
    assert (tmp_path / "asked").read_text() == "requeue 7\n"
    assert subprocess.run(["bash", "job.sbatch"], check=False, **how).returncode == 0
    assert len(losses(out)) == 4
    assert (tmp_path / "asked").read_text() == "requeue 7\n"


def test_the_line_in_the_script_is_the_line_that_was_given() -> None:
    text = script(Launch(command=shlex.split(PRETRAIN), gpus=1, slurm=True))
    assert shlex.split(text.split("\\\n")[1].split("||")[0])[3:] == shlex.split(PRETRAIN)


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
    def start(command: list[str], environ: dict[str, str]) -> Worker:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        return worker(0, "import time; time.sleep(60)")

    monkeypatch.setattr(processes, "_start", start)
    with pytest.raises(Interrupted, match="SIGTERM: stopped before the first step") as caught:
        processes.run_all(Launch(command=["x"]), gpus=1)
    assert caught.value.exit_code == 128 + signal.SIGTERM
