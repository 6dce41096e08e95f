"""Pre-training a ConvNet of timm by the commands, and all that its weights are good for."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.header import read_card
from fcmae.cli.main import main
from fcmae.data.batch import Batch
from fcmae.task import Step
from fcmae.tasks.reconstruct import ReconstructTask

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]
NET = "test_efficientnet"


def words(data: Path, out: Path) -> list[str]:
    return [
        "pretrain", "--model", f"timm:{NET}", "--data", f"{data}", "--out", f"{out}",
        "--size", "64", "--decoder.width", "16", "--optim.batch_size", "4", "--optim.epochs", "2",
        "--optim.warmup_epochs", "0", "--optim.base_lr", "0.02", *QUICK,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(places: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "net"
    labelled = ["--monitor.labelled", f"{places.labelled}"]
    assert main([*words(places.labelled / "train", out), *labelled]) == 0
    return out


def told(line: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*line, *QUICK, "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def test_a_run_leaves_the_weights_of_an_ordinary_net_of_timm(run: Path) -> None:
    card = read_card(run)
    assert card.kind == "autoencoder"
    assert card.model["architecture"] == {"timm": NET, "channels": 3, "size": None}
    assert "neighbours/top1" in card.metrics
    weights = load_file(run / "weights.safetensors")
    body = "encoder.body."
    theirs = {n.removeprefix(body): x for n, x in weights.items() if n.startswith(body)}
    torch.manual_seed(0)
    net = timm.create_model(NET, num_classes=0).eval()
    begun = {name: x.clone() for name, x in net.state_dict().items()}
    net.load_state_dict(theirs)
    assert not torch.equal(theirs["conv_stem.weight"], begun["conv_stem.weight"])
    assert not torch.equal(theirs["bn1.running_mean"], begun["bn1.running_mean"])
    images = torch.randn(2, 3, 64, 64)
    model = fcmae.load(run)
    assert_close(model.encoder.body.forward_features(images), net.forward_features(images))
    assert list((run / "pictures").glob("reconstructions-*.png"))


def test_a_run_that_died_ends_with_the_same_weights(
    run: Path, places: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, steps = ReconstructTask.forward, []

    def dying(self: ReconstructTask, batch: Batch) -> Step:
        steps.append(batch)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return whole(self, batch)

    line = words(places.labelled / "train", tmp_path / "again")
    with monkeypatch.context() as patch:
        patch.setattr(ReconstructTask, "forward", dying)
        assert main(line) == 130
    assert main([*line, "--mask.patch", "32"]) == 0  # the same, once the stride is known
    one, other = (load_file(out / "weights.safetensors") for out in (run, tmp_path / "again"))
    assert_close(one, other, rtol=0, atol=0)


def test_its_weights_are_judged_embedded_drawn_fine_tuned_looked_into_and_counted(
    run: Path, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ["--weights", f"{run}"]
    labelled = ["--data", f"{places.labelled}"]
    assert told(["evaluate", "neighbours", *labelled, *weights], capsys)["images"] == 4
    flat = ["--data", f"{places.flat}", *weights]
    assert told(["embed", *flat, "--out", f"{tmp_path / 'e.npz'}"], capsys)["width"] == 256
    drawn = told(["reconstruct", *flat, "--out", f"{tmp_path / 'drawn'}"], capsys)
    assert 0.5 < drawn["loss"] < 1.5
    more = ["--size", "64", "--optim.batch_size", "4", "--optim.epochs", "1"]
    more += ["--optim.warmup_epochs", "0", "--out", f"{tmp_path / 'tuned'}"]
    assert main(["finetune", "classify", *labelled, *weights, *more, *QUICK]) == 0
    said = capsys.readouterr().err
    assert re.search(r"dropped: decoder\.\S+, .*\(the model has no such part\)", said), said
    assert "new: head.weight, head.bias" in said
    rank = ["--what", "effective_rank", "--out", f"{tmp_path / 'looked'}"]
    assert "summary" in told(["analyze", f"{run}", *labelled, *rank], capsys)
    assert main(["info", *weights, "--json", "-"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert (counted["model"], counted["kind"]) == (f"timm:{NET}", "autoencoder")
    model = fcmae.load(run)
    assert counted["encoder_parameters"] == sum(p.numel() for p in model.encoder.parameters())
    assert counted["decoder_parameters"] == sum(p.numel() for p in model.decoder.parameters())


def test_pre_training_goes_on_from_its_weights_encoder_and_decoder(
    run: Path, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = words(places.labelled / "train", tmp_path / "on")
    del line[1:3]
    assert main([*line, "--weights", f"{run}", "--optim.epochs", "1"]) == 0
    assert re.search(r"format fcmae: \d+ taken\n", capsys.readouterr().err)


WRONG = {
    "--model timm:resnet19": "did you mean timm:resnet18",
    "--model timm:test_vit": "timm:test_vit gives no feature map",
    "--model timm:mobilevit_xxs": r"cannot be pre-trained under .* \(MobileVitBlock\) calls",
    "--model timm:test_resnet --decoder.kind unet": "decoder.kind is 'unet', which needs",
    "--model timm:test_resnet --mask.convolution leaking": "mask.convolution is 'leaking', which",
    "--model timm:test_resnet --encoder.checkpointing true": "encoder.checkpointing is true, but",
    "--model timm:test_resnet --grn.kind none": "a net of timm has no GRN",
    "--model timm:test_resnet --size 80": "cannot be cut into patches of 32 pixels",
    "--model timm:test_resnet --mask.patch 48": "mask.patch is 48, but must be the encoder's str",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_pre_trained_so_ends_in_one_line_and_leaves_nothing(
    line: str, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--data", f"{places.flat}", "--out", f"{tmp_path / 'out'}", "--size", "64"]
    assert main(["pretrain", *out, *line.split(), *QUICK]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(WRONG[line], said), said
    assert not (tmp_path / "out").exists()
