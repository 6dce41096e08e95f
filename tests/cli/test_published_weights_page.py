"""Every snippet of docs/start-from-published-weights.md, with a server on the loopback address."""

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import save

from fcmae.checkpoint import published, published_names
from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.header import read_card
from fcmae.cli.main import main
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture, DecoderOptions

sys.path.append(str(Path(__file__).parents[1] / "checkpoint"))
from serving import Answer, Server, serving

PAGE = Path(__file__).parents[2] / "docs" / "start-from-published-weights.md"
BLOCKS = re.findall(r"```(python)?\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
LINES = [line for kind, text in BLOCKS if not kind for line in text.strip().splitlines()]
PYTHON = [text for kind, text in BLOCKS if kind]
SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))
SMALLER = "--run.device cpu --loader.workers 0"


def torch_bytes(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.fixture
def world(
    places: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """The hub, the authors' server, and a folder with images and a checkpoint."""
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "labelled").symlink_to(places.labelled)
    (tmp_path / "photos").symlink_to(places.labelled / "train")
    (tmp_path / "multispectral").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (64, 64, 5), dtype=np.uint8)
        tifffile.imwrite(tmp_path / "multispectral" / f"{number}.tif", pixels)
    encoder = Encoder(SMALL).state_dict(prefix="encoder.")
    classifier = Classifier(SMALL, num_classes=10).state_dict()
    whole = Autoencoder(SMALL, decoder=DecoderOptions(width=8)).state_dict()
    torch.save({"model": FORMATS["official-sparse"].write(whole)}, "checkpoint-800.pth")
    with serving() as server:
        monkeypatch.setattr(published_names, "OFFICIAL", f"{server.url}/")
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        file = published.OFFICIAL_FILES["atto-fcmae"][0]
        dense = FORMATS["official"].write(encoder)
        server.answers[f"/{file}"] = Answer(content=torch_bytes({"model": dense}))
        timm = bytes(save(FORMATS["timm"].write(encoder)))
        server.hub_file("timm/convnextv2_tiny.fcmae", "model.safetensors", timm)
        theirs = FORMATS["huggingface"].write(classifier, "convnextv2.")
        name = "facebook/convnextv2-atto-1k-224"
        server.hub_file(name, "model.safetensors", bytes(save(theirs)))
        yield server


def run(line: str) -> None:
    """A line of the page, on small images, without worker processes."""
    command, *words = shlex.split(line)
    assert command == "fcmae"
    if words[0] == "finetune":
        words += ["--size", "64", "--optim.batch_size", "4"]
    if words[0] in ("evaluate", "embed"):
        words += ["--size", "64"]
    if words[0] != "info":
        words += shlex.split(SMALLER)
    assert main(words) == 0, line


@pytest.mark.full
@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_page_runs(
    world: Server, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(line)
    said = capsys.readouterr()
    if "timm:" in line or "official:" in line:
        assert "CC-BY-NC-4.0; it binds what is made of these weights" in said.err


@pytest.mark.parametrize("text", PYTHON)
def test_every_line_of_python_of_the_page_runs(
    world: Server, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    exec(text, names)
    if "classifier" in names:
        assert type(names["classifier"]).__name__ == "Classifier"
    if "entry" in names:
        assert "stem.0.weight renamed encoder.stem.weight" in capsys.readouterr().out
    if "channels=6" in text:
        model = names["model"]
        assert isinstance(model, torch.nn.Module)
        assert model.get_parameter("stem.weight").shape[1] == 6


@pytest.mark.full
def test_the_licence_stays_with_what_is_trained(world: Server) -> None:
    run(LINES[0])
    card = read_card(Path("runs/tiny"))
    assert card.licence == "CC-BY-NC-4.0"
    assert [entry["source"] for entry in card.lineage] == ["timm:convnextv2_tiny.fcmae"]
    again = "fcmae finetune classify --data labelled --weights runs/tiny --out runs/again"
    run(f"{again} --optim.epochs 1 --head new")
    card = read_card(Path("runs/again"))
    assert card.licence == "CC-BY-NC-4.0"
    sources = [entry["source"] for entry in card.lineage]
    assert sources == ["timm:convnextv2_tiny.fcmae", "tiny/weights.safetensors"]
