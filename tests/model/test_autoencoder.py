"""Visible-only equals masked dense; nothing leaks; the first loss is 1."""

import re

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from fcmae.kernels.patches import take_patches
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error, to_patches
from fcmae.masking import Mask, draw_visible, num_visible, patch_grid
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture, DecoderOptions, architecture

TINY = Architecture(depths=(1, 1, 2, 1), dims=(8, 12, 16, 24))
TINY_V1 = Architecture(version=1, depths=(1, 1, 2, 1), dims=(8, 12, 16, 24))


def masks(n: int, height: int, width: int, patch: int = 32) -> torch.Tensor:
    rows, columns = patch_grid(height, width, patch)
    drawn = draw_visible(Mask(), rows * columns, seed=0, epoch=0, images=np.arange(n))
    return torch.from_numpy(drawn)


def awake(model: torch.nn.Module) -> torch.nn.Module:
    """Give parameters that start at zero or next to it a value that shows mistakes."""
    for name, parameter in model.named_parameters():
        if any(part in name for part in ("grn.", "scale.", "norm", "bias")):
            torch.nn.init.normal_(parameter, std=0.5)
    return model


def both_ways(model, images, visible):
    results = []
    for masked_dense in (False, True):
        model.zero_grad()
        out = model(images, visible, masked_dense=masked_dense)
        out.loss.backward()
        results.append((out, {n: p.grad.clone() for n, p in model.named_parameters()}))
    return results


@pytest.mark.parametrize(
    ("arch", "size", "patch"),
    [
        pytest.param(TINY, (64, 96), None, id="v2"),
        pytest.param(TINY_V1, (64, 96), None, id="v1"),
        pytest.param(TINY, (128, 64), 64, id="patch-of-two-strides"),
        pytest.param(Architecture(depths=(1, 1, 1, 1), stem=2), (48, 32), None, id="stem-2"),
        pytest.param(
            Architecture(depths=(1, 1, 1, 1), stem=1, channels=5), (16, 24), None, id="stem-1"
        ),
        pytest.param(architecture("atto"), (96, 64), None, id="atto"),
        pytest.param(architecture("v1-atto"), (64, 64), None, id="v1-atto"),
        pytest.param(architecture("tiny"), (64, 64), None, id="tiny", marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("visible_weight", [0.0, 0.5])
def test_visible_only_equals_masked_dense_in_float64(arch, size, patch, visible_weight):
    mask, target = Mask(patch=patch), Target(visible_weight=visible_weight)
    model = awake(
        Autoencoder(arch, decoder=DecoderOptions(width=32), mask=mask, target=target)
    ).double()
    images = torch.randn(2, arch.channels, *size, dtype=torch.float64)
    visible = masks(2, *size, model.patch)
    (ours, our_gradients), (theirs, their_gradients) = both_ways(model, images, visible)
    assert_close(ours.loss, theirs.loss, rtol=1e-10, atol=1e-10)
    assert_close(ours.prediction, theirs.prediction, rtol=1e-10, atol=1e-10)
    assert_close(our_gradients, their_gradients, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["atto", "tiny", "v1-tiny"])
def test_visible_only_equals_masked_dense_in_float32(name):
    model = awake(Autoencoder(architecture(name)))
    (ours, our_gradients), (theirs, their_gradients) = both_ways(
        model, torch.randn(2, 3, 64, 96), masks(2, 64, 96)
    )
    assert_close(ours.prediction, theirs.prediction, rtol=1e-4, atol=1e-4)
    for parameter, gradient in our_gradients.items():
        error = (gradient - their_gradients[parameter]).norm() / their_gradients[parameter].norm()
        assert error < 1e-4, parameter


def test_visible_only_equals_masked_dense_under_bfloat16():
    model = Autoencoder(TINY, decoder=DecoderOptions(width=32))
    images, visible = torch.randn(4, 3, 64, 96), masks(4, 64, 96)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours, theirs = (model(images, visible, masked_dense=dense) for dense in (False, True))
    assert_close(ours.loss, theirs.loss, rtol=2e-2, atol=2e-2)
    assert_close(ours.loss, model(images, visible).loss, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("arch", [TINY, TINY_V1], ids=["v2", "v1"])
@pytest.mark.parametrize("masked_dense", [False, True])
def test_hidden_pixels_reach_neither_features_nor_prediction(arch, masked_dense):
    model = awake(Autoencoder(arch, decoder=DecoderOptions(width=32)))
    images, visible = torch.randn(2, 3, 96, 96, requires_grad=True), masks(2, 96, 96)
    out = model(images, visible, masked_dense=masked_dense)
    out.prediction.square().sum().backward()
    reached = to_patches(images.grad, 32).abs().sum(-1) > 0
    expected = torch.zeros(2, 9, dtype=torch.bool).scatter(1, visible, True)
    assert_close(reached, expected)


def test_features_do_not_depend_on_the_batch():
    model = awake(Autoencoder(TINY))
    images, visible = torch.randn(3, 3, 96, 96), masks(3, 96, 96)
    together = model.encoder(images, visible).features
    alone = torch.cat(
        [model.encoder(images[i : i + 1], visible[i : i + 1]).features for i in range(3)]
    )
    assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_a_mask_equals_a_crop():
    """Hiding all but a corner must equal never having had the rest."""
    model = awake(Autoencoder(TINY)).double()
    images = torch.randn(2, 3, 96, 128, dtype=torch.float64)
    corner = torch.tensor([[0, 1, 4, 5]]).expand(2, 4)
    masked = model.encoder(images, corner)
    cropped = model.encoder(images[:, :, :64, :64])
    assert_close(
        masked.layout.to_map(masked.features)[:, :, :2, :2], cropped.layout.to_map(cropped.features)
    )


@pytest.mark.parametrize("name", ["atto", "tiny", "v1-atto"])
@pytest.mark.parametrize("size", [(224, 224), (96, 160)])
def test_the_first_loss_is_about_one(name, size):
    model = Autoencoder(architecture(name))
    loss = model(torch.randn(2, 3, *size), masks(2, *size)).loss
    assert 0.95 < loss.item() < 1.1


def test_raw_targets_are_the_pixels_themselves():
    model = Autoencoder(TINY, decoder=DecoderOptions(width=8), target=Target(normalize=False))
    torch.nn.init.zeros_(model.decoder.prediction.weight)
    images, visible = torch.randn(2, 3, 64, 64), masks(2, 64, 64)
    out = model(images, visible)
    patches = to_patches(images, 32).gather(1, out.positions[..., None].expand(-1, -1, 3072))
    assert_close(out.loss, patches.square().mean())


def test_pictures_keep_visible_pixels_and_restore_each_patch_brightness():
    model = Autoencoder(TINY, decoder=DecoderOptions(width=8))
    torch.nn.init.zeros_(model.decoder.prediction.weight)
    images, visible = 3 + torch.randn(2, 3, 64, 64), masks(2, 64, 64)
    pictures = model.pictures(images, visible)
    shown = to_patches(pictures.reconstruction, 32)
    seen = torch.zeros(2, 4, dtype=torch.bool).scatter(1, visible, True)
    assert_close(shown[seen], to_patches(images, 32)[seen], rtol=0, atol=0)
    means = to_patches(images, 32).mean(-1, keepdim=True).expand_as(shown)
    assert_close(shown[~seen], means[~seen])
    assert (to_patches(pictures.masked, 32)[~seen] == 0).all()


def test_a_batch_of_one_and_the_smallest_image_train():
    model, images, visible = Autoencoder(TINY), torch.randn(1, 3, 32, 64), masks(1, 32, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = model(images, visible).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(x.grad is not None and x.grad.any() for x in model.parameters())
    assert losses[-1] < 0.9 * losses[0], losses


def test_gradient_checkpointing_changes_no_number():
    images, visible = torch.randn(2, 3, 64, 64), masks(2, 64, 64)
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(1)
        model = Autoencoder(TINY, drop_path=0.5, checkpointing=checkpointing)
        torch.manual_seed(2)
        model(images, visible).loss.backward()
        gradients.append({n: p.grad for n, p in model.named_parameters()})
    assert_close(gradients[0], gradients[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("ratio", "patches", "expected"),
    [(0.6, 49, 20), (0.9, 9, 1), (0.99, 4, 1), (0.01, 4, 3), (0.9, 100, 10)],
)
def test_the_number_of_visible_patches_is_exact(ratio, patches, expected):
    assert num_visible(Mask(ratio=ratio), patches) == expected


def test_masks_depend_on_image_and_epoch_but_not_on_the_batch():
    images = np.arange(50)
    first = draw_visible(Mask(), 49, seed=0, epoch=3, images=images)
    assert_close(draw_visible(Mask(), 49, seed=0, epoch=3, images=images[7:8]), first[7:8])
    assert (draw_visible(Mask(), 49, seed=0, epoch=4, images=images) != first).any()
    assert (draw_visible(Mask(), 49, seed=1, epoch=3, images=images) != first).any()
    assert len({tuple(row) for row in first}) == 50


def test_every_patch_is_equally_likely_to_be_visible():
    drawn = draw_visible(Mask(ratio=0.75), 16, seed=0, epoch=0, images=np.arange(20_000))
    share = np.bincount(drawn.ravel(), minlength=16) / len(drawn)
    assert np.abs(share - 0.25).max() < 0.015  # five standard deviations


def test_an_image_that_no_grid_fits_names_a_size_that_does():
    message = (
        "images of 200 x 224 pixels cannot be cut into patches of 32 pixels. "
        "The nearest size that fits is 192 x 224."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        patch_grid(200, 224, 32)


def test_a_single_patch_cannot_be_masked():
    with pytest.raises(ValueError, match="hold a single patch of 32 pixels"):
        patch_grid(32, 32, 32)


def test_a_patch_that_cuts_the_stride_is_refused():
    with pytest.raises(
        ValueError, match=re.escape("mask.patch is 48, but must be the encoder's stride")
    ):
        Autoencoder(TINY, mask=Mask(patch=48))


def test_the_loss_is_over_hidden_patches_plus_the_weighted_visible_ones():
    target = Target(visible_weight=0.25)
    model = awake(Autoencoder(TINY, decoder=DecoderOptions(width=8), target=target))
    images, visible = torch.randn(2, 3, 96, 96) * torch.linspace(0.1, 3, 96), masks(2, 96, 96)
    out = model(images, visible)
    error = pixel_error(out.prediction, take_patches(images, 32, out.positions), model.target)
    seen = (out.positions[:, :, None] == visible[:, None]).any(-1)
    assert seen.sum() == visible.numel()
    assert_close(out.loss, error[~seen].mean() + 0.25 * error[seen].mean())


def test_without_a_weight_only_hidden_patches_are_predicted():
    model = Autoencoder(TINY, decoder=DecoderOptions(width=8))
    images, visible = torch.randn(2, 3, 96, 96), masks(2, 96, 96)
    out = model(images, visible)
    assert not (out.positions[:, :, None] == visible[:, None]).any()
    assert out.positions.shape[1] + visible.shape[1] == 9
