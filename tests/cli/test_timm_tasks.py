"""Nets of timm as backbones of detection, segmentation and values, through the commands."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.weights import save_weights
from fcmae.cli.main import main
from fcmae.model.net_autoencoder import NetAutoencoder
from fcmae.model.options import DecoderOptions
from fcmae.model.timm_options import TimmArchitecture

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]
TRAIN = [
    "--size", "64", "--optim.batch_size", "2", "--optim.epochs", "1", "--optim.warmup_epochs", "0",
    "--optim.layer_decay", "0.9",
]  # fmt: skip
MORE = {
    "segment": ["--head.width", "16", "--head.auxiliary_width", "16", "--augment.short_side", "64"],
    "detect": ["--head.width", "8", "--head.proposals", "16", "--suppression.min_score", "0"],
    "values": [],
}
NET = "test_efficientnet"
NEW = {"segment": "norms.0.weight", "detect": "norms.0.weight", "values": "shift"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Bright squares on dark ground, labelled for each task."""
    root = tmp_path_factory.mktemp("scenes")
    draw = np.random.default_rng(0)
    rows = ["path,size,split"]
    for part, numbers in (("train", range(4)), ("val", range(4, 6))):
        content: dict[str, Any] = {"images": [], "annotations": []}
        content["categories"] = [{"id": 1, "name": "square"}]
        for folder in ("images", "masks"):
            (root / folder / part).mkdir(parents=True)
        for number in numbers:
            side = 16 + 4 * number
            mask = np.zeros((64, 64), dtype=np.uint8)
            mask[8 : 8 + side, 10 : 10 + side] = 1
            picture = 60 + 120 * mask[..., None] + draw.normal(0, 12, (64, 64, 3))
            file = root / "images" / part / f"{number}.png"
            Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(file)
            Image.fromarray(mask).save(root / "masks" / part / f"{number}.png")
            rows.append(f"{file},{side},{part}")
            content["images"].append(
                {"id": number, "file_name": f"{number}.png", "height": 64, "width": 64}
            )
            corners = [10, 8, 10 + side, 8, 10 + side, 8 + side, 10, 8 + side]
            content["annotations"].append(
                {"id": number, "image_id": number, "category_id": 1, "bbox": [10, 8, side, side],
                 "segmentation": [corners]}
            )  # fmt: skip
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))
        # COCO's pictures stand beside its annotations.
        (root / part).symlink_to(root / "images" / part)
    (root / "classes.txt").write_text("ground\nsquare\n")
    (root / "values.csv").write_text("\n".join(rows))
    segments, objects = root / "of-segments", root / "of-objects"
    for folder, parts in ((segments, ("images", "masks", "classes.txt")), (objects, ())):
        folder.mkdir()
        for name in parts or ("annotations", "train", "val"):
            (folder / name).symlink_to(root / name)
    return SimpleNamespace(
        segment=segments, detect=objects, values=root / "values.csv", images=root / "images" / "val"
    )


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    model = NetAutoencoder(TimmArchitecture(timm=NET), decoder=DecoderOptions(width=16))
    path = tmp_path_factory.mktemp("weights") / "pretrained.safetensors"
    facts = {"size": [64, 64], "mean": [0.5] * 3, "std": [0.2] * 3}
    save_weights(path, model, facts)
    return path


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, *QUICK, "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("task", MORE)
def test_a_task_is_trained_judged_predicted_and_loaded(
    task: str,
    scenes: SimpleNamespace,
    pretrained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = ["--data", f"{getattr(scenes, task)}"]
    out = tmp_path / "run"
    words = ["finetune", task, *data, *TRAIN, *MORE[task], "--out", f"{out}"]
    assert main([*words, "--weights", f"{pretrained}", *QUICK]) == 0
    said = capsys.readouterr().err
    assert re.search(r"dropped: decoder\.\S+, .*\(the model has no such part\)", said), said
    assert re.search(rf"new: {re.escape(NEW[task])}", said)
    assert ("no map that is used needs it: bn2, conv_head" in said) == (task != "values")
    assert "layer 0 no decay" in said
    description = read_card(out).model
    assert description["architecture"] == {"timm": NET, "channels": 3, "size": None}
    weights = ["--weights", f"{out}"]
    judged = told(["evaluate", task, *data, *weights], capsys)
    assert judged["images"] == 2
    where = tmp_path / ("told.csv" if task == "values" else "told")
    found = told(
        ["predict", task, "--data", f"{scenes.images}", *weights, "--out", f"{where}"], capsys
    )
    assert found["images"] == 2
    answer = fcmae.load(out).predict(scenes.images / "4.png")
    if task == "segment":
        assert answer.mask.shape == (64, 64)
    elif task == "detect":
        assert answer.classes == ("square",)
    else:
        assert list(answer) == ["size"]


def test_a_task_starts_from_random_weights_by_the_name_of_a_net(
    scenes: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["finetune", "segment", "--data", f"{scenes.segment}", *TRAIN, *MORE["segment"]]
    words += ["--out", f"{tmp_path / 'run'}", "--model", "timm:test_resnet"]
    told(words, capsys)
    first = load_file(tmp_path / "run" / "weights.safetensors")
    told([*words, "--run.resume", "false"], capsys)
    assert_close(load_file(tmp_path / "run" / "weights.safetensors"), first, rtol=0, atol=0)


WRONG = {
    "detect --model timm:test_vit": "is built for one size, here 160 x 160, but detection and segm",
    "segment --model timm:vgg11 --size 70": "The nearest that fits is 64 x 64",
    "segment --model timm:convmixer_768_32": "timm:convmixer_768_32 gives maps of strides",
    "segment --model timm:nothing": "there are no nets of that name|timm:nothing",
    "detect --model tinny": "Did you mean tiny?",
    "segment --weights {pretrained} --freeze_stages 2": "freeze_stages is 2, but timm:test_effic",
    "values --model timm:test_vit --size 64 --test_size 96": "is built for one size, here 64 x 64",
    "detect --model timm:test_resnet --grn.kind none": "a net of timm has no GRN",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_no_net_of_timm_can_do_ends_in_one_line_and_leaves_nothing(
    line: str,
    scenes: SimpleNamespace,
    pretrained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    task, *rest = line.format(pretrained=pretrained).split()
    out = ["--data", f"{getattr(scenes, task)}", "--out", f"{tmp_path / 'out'}", "--size", "64"]
    assert main(["finetune", task, *out, *rest, *QUICK]) in (2, 3)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(WRONG[line], said), said
    assert not (tmp_path / "out").exists()
