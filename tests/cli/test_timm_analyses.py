"""``fcmae analyze`` with nets of timm: what each kind of net has to show, and what it has not."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import timm
import torch
from torch.testing import assert_close

import fcmae
from fcmae.analysis.blocks import blocks_of
from fcmae.analysis.grad_cam import grad_cam
from fcmae.analysis.inside import look_inside
from fcmae.checkpoint.weights import save_weights
from fcmae.cli.main import main
from fcmae.data.batch import Batch
from fcmae.errors import CheckpointError
from fcmae.model.timm_net import TimmClassifier, TimmEncoder
from fcmae.model.timm_options import TimmArchitecture

QUICK = {"run": {"device": "cpu", "batch_size": 5}, "loader": {"workers": 0}}
VIT = TimmArchitecture(timm="test_vit", size=(32, 32))
RESNET = TimmArchitecture(timm="test_resnet")


def looked(encoder: TimmEncoder, images: torch.Tensor) -> list[torch.Tensor]:
    indices = torch.arange(len(images))
    batch = Batch(images=images, indices=indices, repeats=torch.zeros_like(indices))
    return look_inside(encoder, [batch]).means


@pytest.fixture
def swin(monkeypatch: pytest.MonkeyPatch) -> TimmEncoder:
    small = timm.models.SwinTransformer(
        img_size=64, patch_size=4, embed_dim=6, depths=(2, 1), num_heads=(1, 2), window_size=4,
        num_classes=0,
    )  # fmt: skip
    monkeypatch.setattr("fcmae.model.timm_net.build_body", lambda *_, **__: small)
    return TimmEncoder(TimmArchitecture(timm="swin", size=(64, 64))).eval()


def test_blocks_of_swin_stand_in_stages_and_give_rows_columns_channels(swin: TimmEncoder) -> None:
    places = blocks_of(swin)
    assert [(p.stage, p.number) for p in places] == [(1, 1), (1, 2), (2, 1)]
    images = torch.randn(2, 3, 64, 64)
    seen: list[torch.Tensor] = []
    places[1].block.register_forward_hook(lambda _, inputs, out: seen.append(out))
    means = looked(swin, images)
    assert [x.shape[1] for x in means] == [6, 6, 12]
    assert seen[0].shape == (2, 16, 16, 6)
    assert_close(means[1], seen[0].mean(dim=(1, 2)))


def test_class_tokens_are_no_positions() -> None:
    torch.manual_seed(0)
    encoder = TimmEncoder(VIT).eval()
    seen: list[torch.Tensor] = []
    places = blocks_of(encoder)
    places[-1].block.register_forward_hook(lambda _, inputs, out: seen.append(out))
    means = looked(encoder, torch.randn(2, 3, 32, 32))
    assert seen[0].shape[1] == 1 + 4
    assert_close(means[-1], seen[0][:, 1:].mean(dim=1))


def test_blocks_of_a_resnet_stand_in_its_four_layers() -> None:
    places = blocks_of(TimmEncoder(RESNET))
    assert [(p.stage, p.number) for p in places] == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert all(p.contract is None for p in places)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hiera_tiny_224", "its positions do not stand in raster order"),
        ("cait_xxs24_224", "its class token enters after its blocks"),
        ("vgg11", "has no blocks that could be looked into"),
        ("twins_svt_small", "has no blocks that could be looked into"),
    ],
)
def test_blocks_that_would_be_misread_are_refused(name: str, reason: str) -> None:
    with torch.device("meta"):
        encoder = TimmEncoder(TimmArchitecture(timm=name))
    with pytest.raises(CheckpointError, match=f"^timm:{name} .*{reason}"):
        blocks_of(encoder)


def test_evidence_for_a_class_token_lies_before_the_last_block() -> None:
    torch.manual_seed(0)
    model = TimmClassifier(VIT, num_classes=3).eval()
    places, images = blocks_of(model), torch.randn(4, 3, 32, 32)
    assert model.encoder.pools_token
    assert grad_cam(model, places[-1], images)[0].abs().max() == 0
    assert grad_cam(model, places[-2], images)[0].amax() > 0


@pytest.mark.full
def test_a_classifier_of_timm_is_looked_into_beside_a_random_resnet(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    card = {"size": [32, 32], "classes": list(places.classes), "mean": [0.5] * 3, "std": [0.5] * 3}
    save_weights(tmp_path / "run" / "weights.safetensors", TimmClassifier(VIT, num_classes=2), card)
    what = ["feature_distance", "activation_maps", "grad_cam", "mistakes"]
    asked = {"weights": tmp_path / "run", "data": places.labelled, **QUICK}
    result = fcmae.analyze(what=what, rows=2, maps={"blocks": [6], "channels": [5]}, **asked)
    names = [entry["name"] for entry in result.found]
    assert names[-2:] == ["grad_cam", "mistakes"]
    assert "activation_maps-stage-1-block-6" in names
    assert set(what) - {"activation_maps"} <= set(names)
    assert result.skipped == {}
    found = {entry["name"]: entry for entry in result.found}
    assert found["grad_cam"]["title"] == "Grad-CAM: stage 1, block 5"
    assert found["grad_cam"]["summary"]["without positive evidence"] < 2
    answer = fcmae.evaluate(
        "classify", data=places.labelled, weights=asked["weights"], size=32, **QUICK
    )
    assert found["mistakes"]["summary"]["accuracy"] == pytest.approx(answer.top1)
    other = fcmae.analyze(compare="random:timm:test_resnet", what=["cka"], **asked)
    assert json.loads((other.out / "analysis.json").read_text())[0]["name"] == "cka"
    with (other.out / "cka.csv").open() as file:
        assert len(list(csv.reader(file))) == 1 + 6 * 4


WRONG = {
    "random:timm:test_resnett": "did you mean timm:test_resnet",
    "random:tinny": "Did you mean tiny",
    "random:timm:test_resnet --what feature_distance": "have no layer after an expansion",
    "random:timm:test_vit --size 40": "both must be multiples of its patch|cannot take",
    "random:timm:test_resnet --encoder.stem 2": "encoder.stem is for encoders of ours",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_looked_into_ends_in_one_line(
    words: str, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, *more = words.split()
    size = [] if "--size" in more else ["--size", "64"]
    line = ["analyze", source, "--data", f"{places.labelled}", "--out", f"{tmp_path}", *more, *size]
    assert main([*line, "--run.device", "cpu", "--loader.workers", "0"]) in (2, 3, 6)
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("fcmae: ")

    assert re.search(WRONG[words], said[-1], re.IGNORECASE), said
