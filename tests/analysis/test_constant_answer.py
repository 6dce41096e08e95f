"""The loss of the constant answer is that of the best vector, found in another way."""

import pytest
import torch
from torch.testing import assert_close

from fcmae.analysis.constant_answer import constant_loss
from fcmae.data.batch import Batch
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error, to_patches


def batch(images: torch.Tensor, missing: torch.Tensor | None = None) -> Batch:
    indices = torch.arange(len(images))
    return Batch(images=images, missing=missing, indices=indices, repeats=torch.zeros_like(indices))


@pytest.mark.parametrize("channels", [3, 5])
def test_no_other_constant_has_a_lower_loss(channels: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(6, channels, 8, 8) + torch.linspace(0, 3, 8)
    target = Target()
    found = constant_loss([batch(images[:4]), batch(images[4:])], target, side=4)
    answer = torch.zeros(4 * 4 * channels, requires_grad=True)
    patches = to_patches(images, 4)
    optimizer = torch.optim.LBFGS([answer], max_iter=50)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        spread = answer.expand(patches.shape)
        value = pixel_error(spread, patches, target, channels=channels).mean()
        value.backward()
        return value

    optimizer.step(loss)
    assert found == pytest.approx(loss().item(), rel=1e-4)
    assert found < 0.9


def test_offsets_between_channels_make_it_low() -> None:
    torch.manual_seed(0)
    images = 0.05 * torch.randn(8, 3, 8, 8) + torch.tensor([0.0, 1, 2])[:, None, None]
    joint = constant_loss([batch(images)], Target(), side=4)
    apart = constant_loss([batch(images)], Target(groups=(1, 1, 1)), side=4)
    assert joint == pytest.approx(0, abs=0.01)
    assert apart == pytest.approx(1, abs=0.1)


def test_missing_pixels_have_no_share() -> None:
    torch.manual_seed(0)
    images, missing = torch.randn(5, 4, 8, 8), torch.rand(5, 4, 8, 8) < 0.2
    spoiled = images.masked_fill(missing, 50)
    found = [constant_loss([batch(x, missing)], Target(), side=4) for x in (images, spoiled)]
    assert_close(found[0], found[1])
    assert constant_loss([batch(images, torch.ones_like(missing))], Target(), side=4) is None
    assert constant_loss([], Target(), side=4) is None
