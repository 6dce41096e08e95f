"""Commands take the encoder of a net of a user's own, and say what they cannot take."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.weights import save_weights
from fcmae.errors import CheckpointError
from fcmae.model.encoder import Encoder, encoder_of
from fcmae.model.options import Architecture

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8), stem=1)


class Mine(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Encoder(ARCH)
        self.norm = nn.BatchNorm1d(8)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "weights.safetensors"
    save_weights(path, Mine(), {"size": [16, 16]})
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


def test_fine_tuning_starts_from_its_encoder(weights: Path, photos: Path, tmp_path: Path) -> None:
    trained = fcmae.finetune(
        "classify",
        weights=str(weights),
        data=photos,
        val=photos,
        out=tmp_path / "out",
        size=16,
        optim={"epochs": 1, "batch_size": 4, "base_lr": 0.0, "layer_decay": 1.0, "ema": None},
        loader={"workers": 0},
        run={"device": "cpu"},
    )
    before = fcmae.load(weights, model=Mine()).backbone.state_dict()
    after = encoder_of(fcmae.load(trained.weights)).state_dict()
    assert_close(after, before, rtol=0, atol=0)


def test_its_features_are_those_of_its_encoder(weights: Path, photos: Path, tmp_path: Path) -> None:
    bare = tmp_path / "encoder.safetensors"
    save_weights(bare, fcmae.load(weights, model=Mine()).backbone, {"size": [16, 16]})
    tables = []
    for source in (weights, bare):
        out = tmp_path / f"{source.stem}.csv"
        fcmae.embed(weights=str(source), data=[photos], out=out, loader={"workers": 0})
        tables.append(out.read_text())
    assert tables[0] == tables[1]
    assert tables[0].count("\n") == 7


def test_what_only_the_whole_net_could_do_is_refused(
    weights: Path, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError) as caught:
        fcmae.reconstruct(weights=str(weights), data=[photos], out=tmp_path / "out")
    assert str(caught.value) == (
        f"{weights} holds a net of the class {Mine.__module__}.Mine, but this command needs an "
        "autoencoder, which `fcmae pretrain` makes."
    )


def test_a_net_without_an_encoder_gives_nothing(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, nn.Linear(2, 2), {})
    with pytest.raises(CheckpointError, match="which has no encoder of fcmae"):
        fcmae.embed(weights=str(path), data=[photos], out=tmp_path / "f.csv")
