"""A stem for another number of channels, held to the rule that is stated."""

import pytest
import torch
from torch.testing import assert_close

from fcmae.checkpoint.adapt import adapt_stem
from fcmae.checkpoint.weights import load_into, load_model, save_weights
from fcmae.errors import CheckpointError
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture


def test_repeating_takes_channels_in_turn_and_rescales() -> None:
    weight = torch.randn(4, 3, 2, 2)
    adapted = adapt_stem(weight, 5, "repeat")
    for k in range(5):
        assert_close(adapted[:, k], weight[:, k % 3] * 3 / 5)
    assert_close(adapt_stem(weight, 1, "repeat"), weight[:, :1] * 3)


def test_averaging_gives_every_channel_the_mean_and_rescales() -> None:
    weight = torch.randn(4, 3, 2, 2)
    adapted = adapt_stem(weight, 5, "average")
    for k in range(5):
        assert_close(adapted[:, k], weight.sum(dim=1) / 5)
    assert_close(adapt_stem(weight, 1, "average")[:, 0], weight.sum(dim=1))


@pytest.mark.parametrize(("rule", "channels"), [("average", 1), ("average", 5), ("repeat", 6)])
def test_grey_images_keep_their_features(rule: str, channels: int, tmp_path) -> None:
    arch = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))
    save_weights(tmp_path / "weights.safetensors", Encoder(arch), {})
    before, _ = load_model(tmp_path)
    after, _ = load_model(tmp_path, channels=channels, adapt=rule)
    grey = torch.randn(1, 1, 32, 32)
    assert_close(
        after(grey.repeat(1, channels, 1, 1)).features,
        before(grey.repeat(1, 3, 1, 1)).features,
        rtol=1e-4,
        atol=1e-5,
    )


def test_channels_are_adapted_on_request_only(tmp_path) -> None:
    arch = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))
    save_weights(tmp_path / "weights.safetensors", Encoder(arch), {})
    five = Encoder(Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8), channels=5))
    with pytest.raises(CheckpointError, match=r"stem\.weight has shape \[4, 3, 4, 4\] instead of"):
        load_into(five, tmp_path)
    report = load_into(five, tmp_path, adapt="average")
    assert report.names("adapted") == ["stem.weight"]
    assert "adapted: stem.weight (average over 5 channels)" in report.lines()
    assert report.new == []
