"""A training measures its images, keeps what it found with the weights, and uses it ever after."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose

import fcmae
from fcmae.checkpoint.header import read_card
from fcmae.data.feed import Feed
from fcmae.data.options import Loader
from fcmae.data.source import ImageData

QUICK = {
    "size": 32,
    "encoder": {"stem": 1},
    "optim": {"epochs": 1, "warmup_epochs": 0, "batch_size": 4},
    "run": {"device": "cpu", "precision": "float32"},
    "loader": {"workers": 0},
}


@pytest.fixture(scope="module")
def rasters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five bands of 16 bits that fill little of their range, with a mark of missing pixels."""
    draw, folder = np.random.default_rng(0), tmp_path_factory.mktemp("rasters")
    for number in range(8):
        values = draw.normal([300, 500, 900, 1500, 2500], 60, (40, 40, 5)).astype(np.int16)
        values[:6, :6] = -9999
        path = folder / f"{'ab'[number % 2]}" / f"{number}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, values, photometric="minisblack")
    return folder


@pytest.fixture(scope="module")
def pretrained(rasters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "pretrain"
    fcmae.pretrain(data=rasters, out=out, **QUICK)
    return out


def test_channels_statistics_and_the_mark_are_those_of_the_data(pretrained: Path) -> None:
    card = read_card(pretrained)
    assert card.net is not None
    assert card.net.channels == 5
    assert card.mean is not None
    assert card.std is not None
    assert_allclose(card.mean, np.array([300, 500, 900, 1500, 2500]) / 65535, rtol=0.02)
    assert_allclose(card.std, np.full(5, 60 / 65535), rtol=0.1)
    assert card.nodata == -9999


def test_a_finetuning_takes_those_of_its_weights(
    rasters: Path, pretrained: Path, tmp_path: Path
) -> None:
    how = {**QUICK, "encoder": {}}
    fcmae.finetune(data=rasters, val_share=0.5, weights=pretrained, out=tmp_path / "run", **how)
    told, expected = read_card(tmp_path / "run"), read_card(pretrained)
    assert (told.mean, told.std, told.nodata) == (expected.mean, expected.std, expected.nodata)


def test_the_same_command_goes_on_with_what_was_measured(rasters: Path, pretrained: Path) -> None:
    before = (pretrained / "weights.safetensors").read_bytes()
    assert fcmae.pretrain(data=rasters, out=pretrained, **QUICK).steps == 2
    assert (pretrained / "weights.safetensors").read_bytes() == before


def test_photographs_of_8_bits_keep_the_statistics_of_imagenet(tmp_path: Path) -> None:
    photos = np.random.default_rng(0).integers(0, 255, (8, 40, 40, 3), dtype=np.uint8)
    fcmae.pretrain(data=photos, out=tmp_path / "run", **QUICK)
    assert read_card(tmp_path / "run").mean == Loader.mean
    measured = {**QUICK, "loader": {"workers": 0, "statistics": "data"}}
    fcmae.pretrain(data=photos, out=tmp_path / "own", **measured)
    assert_allclose(read_card(tmp_path / "own").mean, photos.mean((0, 1, 2)) / 255, rtol=0.01)


def test_missing_pixels_are_told_beside_the_crops() -> None:
    images = np.random.default_rng(0).random((4, 40, 40, 2), dtype=np.float32)
    images[:, :, :20] = np.nan
    feed = Feed(ImageData(images), 32, loader=Loader(workers=0), channels=2)
    [batch] = feed.batches(first_step=0, last_step=1, batch_size=4, micro_batch=4)
    assert batch.missing is not None
    assert batch.images.isfinite().all()
    assert 0 < batch.missing.float().mean() < 1
    assert (batch.images[batch.missing] == 0).all()


def test_pictures_without_missing_pixels_carry_no_mask() -> None:
    images = np.random.default_rng(0).random((4, 40, 40, 2), dtype=np.float32)
    feed = Feed(ImageData(images), 32, loader=Loader(workers=0), channels=2)
    [batch] = feed.batches(first_step=0, last_step=1, batch_size=4, micro_batch=4)
    assert batch.missing is None
