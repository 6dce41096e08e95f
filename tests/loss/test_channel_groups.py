"""Targets of groups of channels, and of pixels that are not all known."""

import pytest
import torch
from torch.testing import assert_close

from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error, pixel_error_at, statistics, to_patches
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import DecoderOptions, architecture


def test_each_channel_of_many_is_normalised_by_itself() -> None:
    images = torch.randn(2, 4, 8, 8) * torch.tensor([1, 10, 100, 0.1])[:, None, None] + 3
    patches = to_patches(images, 4)
    found = statistics(patches, Target().groups_of(4))
    by_channel = patches.unflatten(-1, (-1, 4))
    assert_close(found.mean.unflatten(-1, (-1, 4))[:, :, 0], by_channel.mean(2))
    assert_close(found.std.unflatten(-1, (-1, 4))[:, :, 0], (by_channel.var(2) + 1e-6).sqrt())
    error = pixel_error(torch.zeros_like(patches), patches, Target(), channels=4)
    assert_close(error, torch.full((2, 4), 15 / 16), atol=1e-3, rtol=0)


def test_one_group_is_the_papers_definition() -> None:
    patches = to_patches(torch.randn(2, 3, 8, 8), 4)
    prediction = torch.randn_like(patches)
    expected = pixel_error(prediction, patches, Target())
    assert_close(pixel_error(prediction, patches, Target(), channels=3), expected)
    none_missing = torch.zeros_like(patches, dtype=torch.bool)
    found = pixel_error(prediction, patches, Target(), channels=3, missing=none_missing)
    assert_close(found, expected)


def test_a_missing_pixel_has_no_share_in_the_error() -> None:
    images, places = torch.randn(2, 2, 8, 8), torch.arange(4).expand(2, 4)
    prediction = torch.randn(2, 4, 32, requires_grad=True)
    missing = torch.rand(2, 4, 32) < 0.3
    changed = images.clone()
    changed[to_images_mask(missing)] = 1e6
    errors = [
        pixel_error_at(prediction, x, 4, places, Target(), missing=missing)
        for x in (images, changed)
    ]
    assert_close(errors[0], errors[1])
    known = ~missing[0, 0]
    pixels = to_patches(images, 4)[0, 0][known]
    wanted = (pixels - pixels.mean()) / (pixels.var() + 1e-6).sqrt()
    assert_close(errors[0][0, 0], (prediction[0, 0][known] - wanted).square().mean())
    errors[0].sum().backward()
    assert prediction.grad is not None
    assert torch.equal(prediction.grad == 0, missing)


def to_images_mask(missing: torch.Tensor) -> torch.Tensor:
    from fcmae.loss.pixels import to_images

    return to_images(missing.float(), 4, (2, 2)) > 0


def test_patches_count_by_their_share_of_known_pixels() -> None:
    torch.manual_seed(0)
    model = Autoencoder(architecture("atto", channels=2, stem=1), decoder=DecoderOptions(width=8))
    images, visible = torch.randn(1, 2, 32, 32), torch.arange(6)[None]
    missing = torch.zeros(1, 2, 32, 32, dtype=torch.bool)
    out = model(images, visible, missing=missing)
    assert_close(out.loss, model(images, visible).loss)
    missing[:, :, 8:] = True
    rest = model(images, visible, missing=missing)
    assert rest.loss.isfinite()
    missing[:] = True
    assert model(images, visible, missing=missing).loss == 0


def test_sizes_of_groups_add_up_to_the_channels() -> None:
    assert Target().groups_of(3) == (3,)
    assert Target().groups_of(5) == (1, 1, 1, 1, 1)
    assert Target(groups=(3, 2)).groups_of(5) == (3, 2)
    with pytest.raises(
        ValueError, match=r"groups is \(3, 1\), which are 4 channels, but .* have 5"
    ):
        Target(groups=(3, 1)).groups_of(5)
    with pytest.raises(ValueError, match="needs sizes of at least one channel each"):
        Target(groups=(3, 0))
