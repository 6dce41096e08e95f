"""The commands with nets of timm: as baselines wherever features are enough, and nowhere else."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.header import read_card
from fcmae.cli.main import main
from fcmae.data.batch import Batch
from fcmae.task import Step
from fcmae.tasks.classify import ClassifyTask

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]
VIT, RESNET = "test_vit.r160_in1k", "test_resnet.r160_in1k"


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as timm writes them, with weights that nobody trained."""
    root = tmp_path_factory.mktemp("nets")
    for name in (VIT, RESNET):
        torch.manual_seed(0)
        folder, known = root / name, timm.get_pretrained_cfg(name)
        folder.mkdir()
        save_file(timm.create_model(name).state_dict(), folder / "model.safetensors")
        facts = {"tag": known.tag, "input_size": known.input_size}
        facts |= {"mean": known.mean, "std": known.std}
        config = {"architecture": name.partition(".")[0], "pretrained_cfg": facts}
        (folder / "config.json").write_text(json.dumps(config))
    return root


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, *QUICK, "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def training(places: SimpleNamespace, nets: Path, out: Path) -> list[str]:
    return [
        "finetune", "classify", "--data", f"{places.labelled}", "--weights", f"{nets / VIT}",
        "--out", f"{out}", "--size", "32", "--optim.warmup_epochs", "0", "--optim.batch_size", "4",
        "--optim.epochs", "3", "--optim.layer_decay", "0.8", "--encoder.drop_path", "0.2",
        "--optim.ema", "0.9", *QUICK,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(places: SimpleNamespace, nets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "vit"
    assert main(training(places, nets, out)) == 0
    return out


def test_a_fine_tuned_vit_classifies_embeds_and_is_loaded(
    run: Path, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = read_card(run)
    assert card.model["architecture"] == {"timm": VIT, "channels": 3, "size": [32, 32]}
    assert (card.size, card.mean) == ((32, 32), (0.5, 0.5, 0.5))
    assert card.classes == tuple(places.classes)
    capsys.readouterr()
    data = ["--data", f"{places.labelled / 'val'}", "--weights", f"{run}"]
    found = told(["evaluate", "classify", *data], capsys)
    assert found["images"] == 4
    told(["predict", "classify", *data, "--out", f"{tmp_path / 'p.csv'}"], capsys)
    with (tmp_path / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = sum(row["class_1"] in row["path"] for row in rows)
    assert right / 4 == found["top1"]
    model = fcmae.load(run)
    assert model.predict(rows[0]["path"]).name == rows[0]["class_1"]
    told(["embed", *data, "--out", f"{tmp_path / 'e.npz'}"], capsys)
    assert np.load(tmp_path / "e.npz")["features"].shape == (4, 64)


@pytest.mark.full
def test_a_run_that_died_ends_with_the_same_weights(
    run: Path,
    places: SimpleNamespace,
    nets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, steps = ClassifyTask.forward, []

    def dying(self: ClassifyTask, batch: Batch) -> Step:
        steps.append(batch)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return whole(self, batch)

    words = training(places, nets, tmp_path / "again")
    with monkeypatch.context() as patch:
        patch.setattr(ClassifyTask, "forward", dying)
        assert main(words) == 130
    assert not (tmp_path / "again" / "weights.safetensors").exists()
    assert main(words) == 0
    one, other = (load_file(out / "weights.safetensors") for out in (run, tmp_path / "again"))
    assert one.keys() == other.keys()
    for name, x in one.items():
        assert torch.equal(x, other[name]), name
    begun = load_file(nets / VIT / "model.safetensors")["blocks.0.mlp.fc1.weight"]
    assert not torch.equal(one["encoder.body.blocks.0.mlp.fc1.weight"], begun)


@pytest.mark.parametrize("how", ["neighbours", "linear"])
def test_features_are_judged_trained_or_not(
    how: str, places: SimpleNamespace, nets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", how, "--data", f"{places.labelled}", "--size", "64"]
    trained = told([*words, "--weights", f"{nets / RESNET}"], capsys)
    untrained = told([*words, "--model", "timm:test_resnet"], capsys)
    for found in (trained, untrained):
        assert (found["images"], found["train_images"]) == (4, 8)


@torch.no_grad()
def test_images_are_normalised_as_the_net_wants_them(
    places: SimpleNamespace, nets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e.npz"
    data = ["--data", f"{places.flat}", "--weights", f"{nets / VIT}"]
    told(["embed", *data, "--out", f"{out}"], capsys)
    model = timm.create_model(VIT).eval()
    model.load_state_dict(load_file(nets / VIT / "model.safetensors"))
    path = str(np.load(out)["path"][0])
    from fcmae.data.as_image import picture_of
    from fcmae.data.augment import EvaluationView
    from fcmae.data.cut import exact

    picture = picture_of(path, 3)
    cut = exact(picture, EvaluationView((160, 160)).aim(*picture.shape[:2]))
    image = (torch.from_numpy(cut.copy()).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
    vector = model.forward_head(model.forward_features(image), pre_logits=True)
    assert_close(torch.from_numpy(np.load(out)["features"][:1]), vector, rtol=0, atol=1e-4)


NOT_OURS = "is a net of timm, which contrast, cost, export and convert do not take"
WRONG = {
    "evaluate neighbours --data {data} --model timm:resnet19": "did you mean timm:resnet18",
    "evaluate linear --data {data} --weights timm:resnet18.a1_in2k": "mean timm:resnet18.a1_in1k",
    "finetune classify --data {data} --out {out} --model tinny": "Did you mean tiny?",
    "embed --data {data} --weights {vit} --out {out}.csv --size 70": "cannot take: Input height",
    "reconstruct --data {data} --weights {vit} --out {out}": f"needs an autoencoder.*{NOT_OURS}",
    "pretrain --data {data} --weights {vit} --out {out}": "gives no feature map",
    "export --weights {vit} --out {out} --format timm": NOT_OURS,
    "contrast --data {data} --weights {vit} --out {out}": NOT_OURS,
    "finetune segment --data {data} --weights {vit} --out {out}": "is built for one size, here",
    "finetune classify --data {data} --weights {vit} --out {out} --size 64 --test_size 96": (
        "test_size is 96, but timm:test_vit.r160_in1k is built for one size, here 64 x 64"
    ),
    "finetune classify --data {data} --model timm:vgg11 --encoder.drop_path 0.1 --size 64"
    " --optim.batch_size 4 --out {out}": "timm:vgg11 has no stochastic depth",
    "finetune classify --data {data} --weights {vit} --encoder.stem 2 --out {out}": "is for enc",
    "evaluate linear --data {data} --weights {vit} --model tiny": "are of timm:test_vit.r160_in1k",
    "evaluate linear --data {data} --weights {ours} --model timm:test_vit": "weights in .* atto",
    "evaluate linear --data {data} --weights {vit} --encoder.channels 4": "or --adapt",
    "evaluate linear --data {data} --weights timm:test_vit --source.offline true"
    " --source.cache {out}": "not in the cache, and fetching is switched off",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_ends_in_one_line(
    line: str,
    places: SimpleNamespace,
    nets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = {"data": places.labelled, "vit": nets / VIT, "ours": places.pretrained}
    words = [word.format(**where, out=tmp_path / "out") for word in line.split()]
    assert main(words) in (2, 3)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("fcmae: ")

    assert re.search(WRONG[line], said), said
