"""Published weights as the start of a detector, a segmenter and an estimator."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.torch import save
from test_detect_commands import squares
from test_segment_commands import scene

from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.header import read_card
from fcmae.cli.main import main
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

sys.path.append(str(Path(__file__).parents[1] / "checkpoint"))
from serving import Server, serving

QUICK = (
    "--run.device cpu --loader.workers 0 --optim.epochs 1 --optim.batch_size 2 "
    "--optim.warmup_epochs 0 --source.cache cache"
)
LINES = {
    "detect": "--data squares --size 64 --head.width 8 --head.proposals 16",
    "segment": "--data scenes --size 64 --head.width 16 --head.auxiliary_width 16",
    "values": "--data values.csv --size 32",
}


@pytest.fixture
def world(
    places: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """The hub, and a folder with data for each task."""
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    squares(tmp_path / "squares")
    for part in ("train", "val"):
        for number in range(2):
            name = f"{part}/{number}.png"
            scene(Path("scenes/images") / name, Path("scenes/masks") / name, number)
    Path("scenes/classes.txt").write_text("ground\nsquare\n")
    rows = [f"{path},{i % 3}" for i, path in enumerate(sorted(places.flat.iterdir()))]
    Path("values.csv").write_text("\n".join(["path,number", *rows]))
    encoder = Encoder(Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8)))
    content = bytes(save(FORMATS["timm"].write(encoder.state_dict(prefix="encoder."))))
    with serving() as server:
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        server.hub_file("timm/convnextv2_tiny.fcmae", "model.safetensors", content)
        yield server


@pytest.mark.full(but=["values"])
@pytest.mark.parametrize("task", LINES)
def test_each_task_starts_from_a_published_name(
    world: Server, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = "--weights timm:convnextv2_tiny.fcmae"
    words = shlex.split(f"finetune {task} {LINES[task]} {weights} --out run {QUICK}")
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "CC-BY-NC-4.0; it binds what is made of these weights" in said
    assert "Weights from timm:convnextv2_tiny.fcmae" in said
    assert "format timm: " in said
    assert "\nnew: " in said
    card = read_card(Path("run"))
    assert card.licence == "CC-BY-NC-4.0"
    assert [entry["source"] for entry in card.lineage] == ["timm:convnextv2_tiny.fcmae"]


@pytest.mark.full
def test_their_stem_is_adapted_where_that_is_asked_for(world: Server) -> None:
    line = f"finetune segment {LINES['segment']} --weights timm:convnextv2_tiny.fcmae {QUICK}"
    changed = "--encoder.channels 1"
    assert main(shlex.split(f"{line} {changed} --out refused")) == 3
    assert main(shlex.split(f"{line} {changed} --out run --adapt average")) == 0
    assert read_card(Path("run")).model["architecture"]["channels"] == 1
