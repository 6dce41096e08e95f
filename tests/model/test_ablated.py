"""Decoders, masks and targets of the paper's ablations."""

import re

import numpy as np
import pytest
import torch
from ablated import RESPONSES, awake, masks, tiny
from einops import rearrange
from torch.testing import assert_close

from fcmae.checkpoint.weights import load_model, save_weights
from fcmae.kernels.patches import take_patches
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error
from fcmae.masking import Mask, draw_visible, num_visible
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.build import describe, rebuild
from fcmae.model.encoder import Encoded
from fcmae.model.layout import Leaking, Visible
from fcmae.model.options import DecoderOptions
from fcmae.model.transformer import places
from fcmae.model.unet import UNetDecoder
from fcmae.optim.groups import parameter_groups
from fcmae.optim.options import Optim

KINDS = ("block", "unet", "unet-skip", "transformer")
CONVOLUTIONS = ("sparse", "masked", "leaking", "leaking-token")


def autoencoder(kind="block", convolution="sparse", *, patch=None, **more):
    return Autoencoder(
        tiny(),
        decoder=DecoderOptions(kind=kind, width=32),
        mask=Mask(convolution=convolution, patch=patch),
        **more,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_every_decoder_trains_under_every_mask(kind, convolution):
    model = autoencoder(kind, convolution)
    out = model(torch.randn(2, 3, 64, 96), masks(2, 64, 96))
    out.loss.backward()
    assert 0.9 < out.loss.item() < 1.2
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        if "grn" not in name and name != "decoder.blocks.0.queries_keys_values.bias":
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "patch"), [((64, 96), 32), ((128, 64), 64)])
def test_every_decoder_sees_visible_patches_as_masked_dense_does(kind, size, patch):
    model = awake(autoencoder(kind, patch=patch)).double()
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    visible = masks(2, *size, patch)
    found = []
    for masked_dense in (False, True):
        model.zero_grad()
        out = model(images, visible, masked_dense=masked_dense)
        out.loss.backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
        found.append((out.prediction, gradients))
    assert_close(found[0], found[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_no_hidden_pixel_reaches_a_prediction(kind):
    model = awake(autoencoder(kind))
    images, visible = torch.randn(2, 3, 64, 64, requires_grad=True), masks(2, 64, 64)
    model(images, visible).prediction.square().sum().backward()
    reached = torch.nn.functional.avg_pool2d(images.grad.abs().sum(1, keepdim=True), 32) > 0
    expected = torch.zeros(2, 4, dtype=torch.bool).scatter(1, visible, True)
    assert_close(reached.flatten(1), expected)


@pytest.mark.parametrize("kind", ["unet", "unet-skip"])
def test_a_u_net_predicts_pixels_where_they_lie(kind):
    """Without blocks, and with a prediction that copies, each pixel must come from its place."""
    decoder = UNetDecoder(tiny(), DecoderOptions(kind=kind, width=8))
    decoder.levels = torch.nn.ModuleList(torch.nn.ModuleList() for _ in range(4))
    for up in decoder.ups:
        up.norm = torch.nn.Identity()
    images, visible = torch.randn(2, 3, 64, 96), masks(2, 64, 96)
    stages = []
    for i, width in enumerate(tiny().dims):
        layout = Visible(visible, (2, 3), 8 >> i)
        features = torch.randn(2, layout.places.shape[1], width)
        stages.append(Encoded(features=features, layout=layout))
    everywhere = torch.arange(6).expand(2, 6)
    found = decoder(stages, everywhere)
    whole = rearrange(found, "n (h w) (r s c) -> n c (h r) (w s)", h=2, r=32, s=32)

    maps = None
    for i, stage in enumerate(reversed(stages)):
        if maps is not None:
            up = decoder.ups[i - 1].spread
            kernel = rearrange(up.weight, "(r s o) c -> c o r s", r=2, s=2)
            bias = rearrange(up.bias, "(r s o) -> o r s", r=2, s=2)
            maps = torch.nn.functional.conv_transpose2d(maps, kernel, stride=2)
            maps = maps + bias.repeat(1, maps.shape[2] // 2, maps.shape[3] // 2)
        if i < len(decoder.projections):
            projected = decoder.projections[i](stage.features)
            filled = stage.layout.fill(projected, decoder.mask_tokens[i])
            entering = rearrange(filled, "n (h w) c -> n c h w", h=stage.layout.height)
            maps = entering if maps is None else maps + entering
    last = decoder.prediction
    kernel = rearrange(last.weight, "(r s o) c -> c o r s", r=4, s=4)
    bias = rearrange(last.bias, "(r s o) -> o r s", r=4, s=4)
    expected = torch.nn.functional.conv_transpose2d(maps, kernel, stride=4)
    expected = expected + bias.repeat(1, 16, 24)
    assert whole.shape == images.shape
    assert_close(whole, expected, rtol=1e-4, atol=1e-5)


def test_every_place_of_a_map_is_told_from_every_other():
    for height, width in [(7, 7), (1, 9), (5, 3)]:
        found = places(height, width, like=torch.zeros(1, height * width, 32))
        assert found.shape == (height * width, 32)
        assert len(found.unique(dim=0)) == height * width
        rows = rearrange(found, "(h w) c -> h w c", h=height)
        assert_close(rows[:, :1, :16].expand(-1, width, -1), rows[..., :16])
        assert_close(rows[:1, :, 16:].expand(height, -1, -1), rows[..., 16:])


@pytest.mark.parametrize(
    "model",
    [
        *(autoencoder(kind) for kind in KINDS),
        autoencoder(convolution="leaking-token", target=Target(over="all")),
        *(Autoencoder(tiny(r), decoder=DecoderOptions(width=8)) for r in RESPONSES.values()),
    ],
    ids=[*KINDS, "leaking-token", *RESPONSES],
)
def test_a_file_of_weights_rebuilds_the_variant(model, tmp_path):
    awake(model)(torch.randn(2, 3, 64, 64), masks(2, 64, 64))  # moves running statistics
    save_weights(tmp_path / "weights.safetensors", model, {})
    read, _ = load_model(tmp_path / "weights.safetensors")
    assert describe(read) == describe(model)
    assert_close(read.state_dict(), model.state_dict(), rtol=0, atol=0)
    images, visible = torch.randn(1, 3, 64, 64), masks(1, 64, 64)
    assert_close(read(images, visible).loss, model.eval()(images, visible).loss)


def test_a_description_of_before_the_variants_is_that_of_the_paper():
    model = autoencoder()
    old = describe(model)
    for part, names in {
        "architecture": ("grn",),
        "decoder": ("kind",),
        "mask": ("pattern", "convolution"),
        "target": ("over",),
    }.items():
        for name in names:
            del old[part][name]
    assert describe(rebuild(old)) == describe(model)


def corner_and_crop(convolution):
    """Features of a corner where the rest is hidden, and where there is no rest."""
    model = awake(autoencoder(convolution=convolution)).double()
    images = torch.randn(1, 3, 96, 128, dtype=torch.float64)
    layout = model._encode(images, torch.tensor([[0, 1, 4, 5]]), masked_dense=False)[-1]
    cropped = model.encoder(images[:, :, :64, :64])
    seen = layout.layout.to_map(layout.features)[:, :, :2, :2]
    return seen, cropped.layout.to_map(cropped.features)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_sparse_convolutions_do_not_see_the_mask_and_leaking_ones_do(convolution):
    seen, cropped = corner_and_crop(convolution)
    if convolution in ("sparse", "masked"):
        assert_close(seen, cropped, rtol=1e-10, atol=1e-10)
    else:
        assert (seen - cropped).abs().max() > 1e-5


@pytest.mark.parametrize("convolution", ["leaking", "leaking-token"])
def test_features_leak_into_blank_patches_but_their_pixels_do_not_leak_out(convolution):
    model = awake(autoencoder(convolution=convolution))
    images, visible = torch.randn(2, 3, 96, 96, requires_grad=True), masks(2, 96, 96)
    stages = model._encode(images, visible, masked_dense=False)
    assert isinstance(stages[-1].layout, Leaking)
    blank = stages[-1].layout.blank
    [reached] = torch.autograd.grad(
        stages[-1].features[blank].square().sum(), images, retain_graph=True
    )
    of_patches = torch.nn.functional.avg_pool2d(reached.abs().sum(1, keepdim=True), 32) > 0
    assert_close(of_patches.flatten(1), ~blank)


def test_a_leaking_encoder_is_the_dense_one_on_blank_patches():
    model = awake(autoencoder(convolution="leaking"))
    images, visible = torch.randn(2, 3, 64, 96), masks(2, 64, 96)
    blank = rearrange(torch.ones(2, 6).scatter(1, visible, 0.0), "n (h w) -> n 1 h w", h=2)
    shown = images * (1 - blank.repeat_interleave(32, 2).repeat_interleave(32, 3))
    encoded = model._encode(images, visible, masked_dense=False)[-1]
    assert_close(encoded.features, model.encoder(shown).features)


def test_the_hidden_token_is_the_autoencoders_and_never_decays():
    groups = parameter_groups(autoencoder("unet-skip", "leaking-token"), Optim(weight_decay=0.1))
    spared = {name for group in groups if not group.weight_decay for name in group.names}
    tokens = {f"decoder.mask_tokens.{i}" for i in range(4)}
    assert {"hidden_token", *tokens} <= spared
    assert not any("hidden_token" in name for name, _ in autoencoder().named_parameters())


def test_the_target_of_all_patches_weighs_them_alike():
    model = awake(autoencoder(target=Target(over="all")))
    images, visible = torch.randn(2, 3, 96, 96) * torch.linspace(0.1, 3, 96), masks(2, 96, 96)
    out = model(images, visible)
    assert out.positions.sort(dim=1).values.tolist() == [list(range(9))] * 2
    error = pixel_error(out.prediction, take_patches(images, 32, out.positions), model.target)
    assert_close(out.loss, error.mean())
    shown = model.pictures(images, visible).reconstruction
    seen = take_patches(shown, 32, visible)
    assert_close(seen, take_patches(images, 32, visible), rtol=0, atol=0)


GRIDS = [(7, 7), (4, 11), (1, 9), (9, 1), (2, 1), (16, 16)]


@pytest.mark.parametrize("pattern", ["random", "block", "grid"])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_every_pattern_shows_the_same_number_of_patches(pattern, grid):
    patches = grid[0] * grid[1]
    for ratio in (0.05, 0.5, 0.6, 0.75, 0.95):
        mask = Mask(ratio=ratio, pattern=pattern)
        how = {"seed": 1, "epoch": 2, "grid": grid}
        drawn = draw_visible(mask, patches, images=np.arange(40), **how)
        assert drawn.shape == (40, num_visible(mask, patches))
        assert (np.diff(drawn, axis=1) > 0).all()
        assert drawn.min() >= 0
        assert drawn.max() < patches
        alone = draw_visible(mask, patches, images=np.array([7]), **how)
        assert (alone[0] == drawn[7]).all()


@pytest.mark.parametrize("pattern", ["block", "grid"])
def test_patterns_are_drawn_anew_for_each_image_epoch_seed_and_crop(pattern):
    mask, images = Mask(pattern=pattern), np.arange(64)

    def drawn(seed=0, epoch=0, repeat=0):
        repeats = np.full_like(images, repeat)
        return draw_visible(
            mask, 49, seed=seed, epoch=epoch, images=images, repeats=repeats, grid=(7, 7)
        )

    first = drawn()
    assert len({tuple(row) for row in first}) > 20
    for other in (drawn(seed=1), drawn(epoch=1), drawn(repeat=1)):
        assert (other != first).any(axis=1).mean() > 0.8


def visible_map(mask, grid, n):
    drawn = draw_visible(mask, grid[0] * grid[1], seed=0, epoch=0, images=np.arange(n), grid=grid)
    seen = np.zeros((n, grid[0] * grid[1]), dtype=bool)
    np.put_along_axis(seen, drawn, values=True, axis=1)
    return seen.reshape(n, *grid)


def test_a_quarter_of_a_grid_is_one_patch_of_each_two_by_two():
    seen = visible_map(Mask(ratio=0.75, pattern="grid"), (8, 8), 20)
    cells = rearrange(seen, "n (h r) (w s) -> n (h w) (r s)", r=2, s=2)
    assert (cells.sum(axis=2) == 1).all()
    assert (cells == cells[:, :1]).all()


def test_blocks_hang_together_more_than_patches_drawn_alone():
    def alike(pattern):
        seen = visible_map(Mask(pattern=pattern), (14, 14), 50)
        return (seen[:, 1:] == seen[:, :-1]).mean()

    assert alike("block") > alike("random") + 0.2
    assert alike("grid") < alike("random")


@pytest.mark.parametrize("pattern", ["block", "grid"])
def test_no_place_is_visible_in_every_image_or_in_none(pattern):
    share = visible_map(Mask(pattern=pattern), (7, 7), 2000).mean(axis=0)
    assert share.min() > 0.1
    assert share.max() < 0.9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DecoderOptions(kind="transformer", width=80),
            "decoder.width is 80, but must be a multiple of 32 for decoder.kind transformer.",
        ),
        (
            lambda: DecoderOptions(kind="unet", width=12),
            "decoder.width is 12, but must be a multiple of 8 for decoder.kind unet.",
        ),
        (
            lambda: Target(over="all", visible_weight=0.5),
            "target.visible_weight is 0.5, but target.over all weighs all patches alike: leave one "
            "of them out.",
        ),
        (
            lambda: draw_visible(
                Mask(pattern="grid"), 6, seed=0, epoch=0, images=np.arange(1), grid=(2, 2)
            ),
            "grid is (2, 2), but mask.pattern grid needs rows and columns of 6 patches.",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
