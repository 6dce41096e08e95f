"""Every command of the page on using weights elsewhere runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fcmae.checkpoint.weights import save_weights
from fcmae.cli.main import main
from fcmae.model.classifier import Classifier
from fcmae.model.options import architecture

PAGE = Path(__file__).parents[2] / "docs" / "use-your-weights-elsewhere.md"
COMMANDS = re.findall(r"^fcmae (.+)$", PAGE.read_text(), re.MULTILINE)
GRAPHS = [line for line in COMMANDS if "onnx" in line or "torch-export" in line]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with runs/classify in it, as the page supposes."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("project")
    run = folder / "runs" / "classify"
    run.mkdir(parents=True)
    card = {"size": [64, 64], "classes": ["a", "b"], "licence": "cc-by-nc-4.0"}
    model = Classifier(architecture("atto"), num_classes=2)
    save_weights(run / "weights.safetensors", model, card)
    return folder


def test_the_page_has_commands():
    assert len(COMMANDS) == 7
    assert len(GRAPHS) == 2


def test_the_commands_of_the_page_run_one_after_the_other(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    for line in COMMANDS:
        if line not in GRAPHS:
            assert main(line.split()) == 0, line
            assert "In Python:" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("line", GRAPHS)
def test_a_graph_of_the_page_is_written(line, project, monkeypatch):
    monkeypatch.chdir(project)
    command = [sys.executable, "-m", "fcmae", *line.split()]
    assert subprocess.run(command, check=False).returncode == 0
