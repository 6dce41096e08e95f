"""Normalising, and what undoes it."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.testing import assert_close

from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader


def test_it_subtracts_the_mean_and_divides_by_the_deviation() -> None:
    picture = np.array([[[0, 128, 255]]], np.uint8)
    expected = (torch.tensor([0, 128 / 255, 1]) - torch.tensor([0.485, 0.456, 0.406])) / (
        torch.tensor([0.229, 0.224, 0.225])
    )
    assert_close(Normalisation.of(Loader(), 3)(picture).flatten(), expected)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_than_three_channels_take_the_average(channels: int) -> None:
    chosen = Normalisation.of(Loader(), channels)
    assert chosen.mean == (pytest.approx(0.449),) * channels
    assert chosen.std == (pytest.approx(0.226),) * channels


def test_values_given_for_every_channel_are_used() -> None:
    loader = Loader(mean=(0.1, 0.2), std=(0.3, 0.4))
    assert Normalisation.of(loader, 2) == Normalisation(mean=(0.1, 0.2), std=(0.3, 0.4))


def test_undoing_gives_the_picture_back(noise: NDArray) -> None:
    normalise = Normalisation.of(Loader(), 3)
    images = torch.stack([normalise(noise), normalise(noise[::-1])])
    back = normalise.undo(images)[0].permute(1, 2, 0)
    assert_close(back, torch.from_numpy(noise / 255).float())
    assert normalise.undo(images * 100).max() == 1
