"""What cannot work ends in one clear line and the documented code, at once."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bad_lines import BAD_LINES

from fcmae.cli.main import main


def words(line: str, places: SimpleNamespace, out: Path) -> list[str]:
    return shlex.split(line.format(root=places.root, out=out))


@pytest.mark.parametrize("bad", BAD_LINES, ids=[line for line, _, _ in BAD_LINES])
def test_a_bad_line_is_told_in_one_line(
    bad: tuple[str, int, str],
    places: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line, code, message = bad
    assert main(words(line, places, tmp_path / "out")) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("fcmae: ")
    assert said.err.count("\n") == 1
    assert message.format(root=places.root) in said.err
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_no_bad_line_needs_pytorch(places: SimpleNamespace, tmp_path: Path) -> None:
    lines = [words(line, places, tmp_path / "out") for line, _, _ in BAD_LINES]
    script = (
        "import json, sys\n"
        "from fcmae.cli.main import main\n"
        "for words in json.load(sys.stdin):\n"
        "    code = main(words)\n"
        "    assert code, words\n"
        "    assert 'torch' not in sys.modules, words\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == len(lines)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a system where root may not write")
def test_a_folder_that_cannot_be_written_is_a_storage_error(
    places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"pretrain --data {places.labelled} --out /proc/run --optim.batch_size 8"
    assert main(shlex.split(line)) == 4
    assert "cannot write /proc/run" in capsys.readouterr().err


def test_an_unexpected_error_leaves_a_report(
    places: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OSError("the cable\nis loose")

    monkeypatch.setattr("fcmae.inference.prologue.probe", fail)
    line = f"embed --data {places.labelled} --weights {places.pretrained} --out {tmp_path}/x.csv"
    assert main(shlex.split(line)) == 1
    said = capsys.readouterr().err
    assert said.startswith("fcmae: unexpected OSError: the cable. The full report is in ")
    assert said.count("\n") == 1
    report = Path(said.split(" is in ")[1].strip().rstrip("."))
    assert "Traceback" in report.read_text()
    report.unlink()


def test_debugging_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FCMAE_DEBUG", "1")
    assert main(["pretrain"]) == 2
    assert "Traceback" in capsys.readouterr().err
