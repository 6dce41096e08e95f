"""A run of unusual parts, from pre-training to what is made of its weights."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fcmae.checkpoint.header import read_card
from fcmae.cli.main import main
from fcmae.model.grn_options import Grn, Response
from fcmae.model.options import EncoderOptions
from fcmae.options.parse import build, config_values
from fcmae.setup.nets import architecture_of
from fcmae.training import (
    FinetuneClassify,
    FinetuneDetect,
    FinetuneSegment,
    FinetuneValues,
    Pretrain,
)

SHORT = [
    "--size", "64", "--optim.warmup_epochs", "0", "--optim.batch_size", "4", "--optim.epochs", "1",
    "--run.device", "cpu", "--loader.workers", "0",
]  # fmt: skip


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture(scope="module")
def run(places: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ablated") / "run"
    words = [
        "pretrain", "--data", f"{places.labelled}", "--out", f"{out}", *SHORT, "--optim.ema", "0.9",
        "--decoder.kind", "unet-skip", "--decoder.width", "32", "--mask.pattern", "grid",
        "--mask.convolution", "leaking-token", "--target.over", "all", "--grn.kind", "batchnorm",
        "--monitor.images", "4", "--monitor.pictures", "2",
    ]  # fmt: skip
    assert main(words) == 0
    return out


@pytest.mark.full
def test_weights_say_how_they_were_made(run: Path) -> None:
    model = read_card(run).model
    assert model["architecture"]["grn"]["kind"] == "batchnorm"
    assert model["decoder"] == {"kind": "unet-skip", "depth": 1, "width": 32}
    assert (model["mask"]["pattern"], model["mask"]["convolution"]) == ("grid", "leaking-token")
    assert model["target"]["over"] == "all"


def test_info_counts_the_weights_own_decoder_and_response(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(["info", "--weights", f"{run}"], capsys)
    plain = told(["info", "--model", "atto"], capsys)
    assert found["encoder_parameters"] == plain["encoder_parameters"]  # two vectors as in GRN
    assert found["decoder_parameters"] < plain["decoder_parameters"]
    asked = ["info", "--model", "atto", "--decoder.kind", "unet-skip", "--decoder.width", "32"]
    assert told(asked, capsys)["decoder_parameters"] == found["decoder_parameters"]
    gated = told(["info", "--model", "atto", "--grn.kind", "se"], capsys)
    assert gated["encoder_parameters"] > plain["encoder_parameters"]


def test_reconstruct_draws_what_the_variant_makes(
    run: Path, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "reconstruct", "--weights", f"{run}", "--data", f"{places.labelled}", "--out",
        f"{tmp_path}", "--images", "2", "--run.device", "cpu", "--loader.workers", "0",
    ]  # fmt: skip
    found = told(words, capsys)
    assert found["images"] == 2
    assert all(Path(path).is_file() for path in found["pictures"])


@pytest.mark.full
def test_fine_tuning_drops_what_stood_in_place_of_grn_and_says_so(
    run: Path, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "finetune", "classify", "--data", f"{places.labelled}", "--weights", f"{run}",
        "--out", f"{out}", *SHORT, "--config", "ablate/finetune-grn-dropped",
    ]  # fmt: skip
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "(grn is another one here)" in said
    card = read_card(out).model
    assert (card["kind"], card["architecture"]["grn"]["kind"]) == ("classifier", "none")


def test_the_weights_response_stays_unless_another_is_asked_for(run: Path) -> None:
    from fcmae.setup.weights import read_weights

    weights = read_weights(run)
    kept = architecture_of("atto", EncoderOptions(), weights, grn=Grn())
    assert kept.grn == Response(kind="batchnorm")
    assert architecture_of(None, EncoderOptions(), weights, grn=Grn(kind="grn")).grn == Response()
    assert architecture_of(None, EncoderOptions(), None, grn=Grn(residual=False)).grn == Response(
        residual=False
    )


@pytest.mark.parametrize(
    "options", [Pretrain, FinetuneClassify, FinetuneSegment, FinetuneDetect, FinetuneValues]
)
def test_every_training_takes_another_response(options: type) -> None:
    values = {"data": "images", "out": "run", "grn.kind": "grn", "grn.residual": "false"}
    assert build(options, values).grn == Grn(kind="grn", residual=False)
    assert build(options, {"data": "images", "out": "run"}).grn == Grn()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--grn.kind", "gnr"], "grn.kind"),
        (
            ["--grn.kind", "se", "--grn.affine", "false"],
            "grn.affine is False, but grn.kind is se, which has no such part",
        ),
        (["--model", "v1-atto", "--grn.kind", "none"], "ConvNeXt V1 has no GRN"),
        (["--decoder.kind", "transformer", "--decoder.width", "48"], "must be a multiple of 32"),
        (["--mask.pattern", "stripes"], "mask.pattern"),
        (["--target.over", "all", "--target.visible_weight", "1"], "leave one of them out"),
        (
            ["--grn.kind", "batchnorm", "--encoder.checkpointing", "true"],
            "leave --encoder.checkpointing out",
        ),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    words: list[str],
    says: str,
    places: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["pretrain", "--data", f"{places.labelled}", "--out", f"{tmp_path / 'out'}", *SHORT]
    assert main([*given, *words]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.strip().count("\n") == 0


def test_an_ablation_goes_over_its_base() -> None:
    values = config_values(["pretrain", "ablate/mask-leaking"], Pretrain)
    chosen = build(Pretrain, {**values, "data": "images", "out": "run"})
    assert (chosen.mask.convolution, chosen.optim.batch_size) == ("leaking", 4096)
