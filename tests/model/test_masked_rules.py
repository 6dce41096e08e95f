"""Single layers under a mask, against sums over visible positions by hand; refusals by name."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from fcmae.masking import Mask
from fcmae.model.masked.computation import NotMaskableError
from fcmae.model.masked.features import MapNet, check_maskable, masked_features
from fcmae.model.net_encoder import NetEncoder
from fcmae.model.timm_net import check_masked
from fcmae.model.timm_options import TimmArchitecture

IMAGES = torch.linspace(-3, 2, 2 * 4 * 8 * 12, dtype=torch.float64).view(2, 4, 8, 12).sin() - 0.5
VISIBLE = torch.tensor([[0, 4], [3, 5]])
PATCH = 4


class Calls(MapNet):
    """A net that is one function, with a layer so that it has parameters."""

    def __init__(self, function, *layers: nn.Module) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers).double()

    def last_map(self, images):
        return self.function(images, *self.layers)


def visible_positions(x: torch.Tensor) -> list[torch.Tensor]:
    """The visible positions of each image of a map, ``p c``."""
    cells = x.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH).flatten(2, 3)
    return [cells[i][:, VISIBLE[i]].flatten(1).T for i in range(len(x))]


def masked(function, *layers: nn.Module) -> torch.Tensor:
    return masked_features(Calls(function, *layers), IMAGES, VISIBLE, patch=PATCH)


def test_batch_norm_has_the_statistics_of_visible_positions_and_runs_on_them():
    layer = nn.BatchNorm2d(4, momentum=0.3)
    y = masked(lambda x, bn: bn(x), layer)
    rows = torch.cat(visible_positions(IMAGES))
    variance, mean = torch.var_mean(rows, dim=0, correction=0)
    expected = (rows - mean) / (variance + layer.eps).sqrt()
    assert_close(torch.cat(visible_positions(y)), expected)
    assert_close(layer.running_mean, 0.3 * mean)
    assert_close(layer.running_var, 0.7 + 0.3 * rows.var(dim=0, correction=1))
    assert layer.num_batches_tracked == 1


def test_batch_norm_in_evaluation_mode_uses_its_running_statistics():
    layer = nn.BatchNorm2d(4).double()
    layer.running_mean.normal_()
    layer.running_var.uniform_(1, 2)
    y = masked(lambda x, bn: bn.eval()(x), layer)
    plain = visible_positions(layer(IMAGES))
    assert_close(visible_positions(y), plain)


def test_group_norm_has_the_statistics_of_visible_positions_of_each_image():
    layer = nn.GroupNorm(2, 4)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    y = masked(lambda x, gn: gn(x), layer)
    for rows, got in zip(visible_positions(IMAGES), visible_positions(y), strict=True):
        groups = rows.unflatten(1, (2, 2))
        variance, mean = torch.var_mean(groups, dim=(0, 2), correction=0, keepdim=True)
        normed = ((groups - mean) / (variance + layer.eps).sqrt()).flatten(1)
        assert_close(got, normed * layer.weight + layer.bias)


@pytest.mark.parametrize(
    ("pool", "reduce"),
    [
        (lambda x: x.mean((2, 3), keepdim=True), lambda rows: rows.mean(0)),
        (lambda x: x.mean([-1, -2])[:, :, None, None], lambda rows: rows.mean(0)),
        (lambda x: F.adaptive_avg_pool2d(x, 1), lambda rows: rows.mean(0)),
        (lambda x: F.adaptive_max_pool2d(x, 1), lambda rows: rows.amax(0)),
        (lambda x: torch.amax(x, (2, 3), keepdim=True), lambda rows: rows.amax(0)),
        (lambda x: x.sum(dim=(2, 3), keepdim=True), lambda rows: rows.sum(0)),
        (lambda x: x.norm(p=2, dim=(2, 3), keepdim=True), lambda rows: rows.norm(dim=0)),
        (
            lambda x: x.permute(0, 2, 3, 1).mean((1, 2), keepdim=True).permute(0, 3, 1, 2),
            lambda rows: rows.mean(0),
        ),
        (
            lambda x: x.square().mean((2, 3), keepdim=True).add(1e-6).rsqrt().sigmoid(),
            lambda rows: rows.square().mean(0).add(1e-6).rsqrt().sigmoid(),
        ),
    ],
)
def test_what_is_pooled_over_an_image_is_pooled_over_its_visible_positions(pool, reduce):
    y = masked(lambda x: torch.zeros_like(x) + x * 0 + pool(x))
    for rows, got in zip(visible_positions(IMAGES), visible_positions(y), strict=True):
        assert_close(got, reduce(rows).expand_as(got))


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 1, "padding": 1}, {"padding": 1, "count_include_pad": False}],
    ids=str,
)
def test_average_pooling_is_the_mean_of_the_visible_values_of_a_window(options):
    kernel = 3 if options else 2
    y = masked(lambda x: F.avg_pool2d(x, kernel, **{"stride": 2, **options}))
    hidden = _hidden()
    plain = F.avg_pool2d(IMAGES.masked_fill(hidden, 0), kernel, **{"stride": 2, **options})
    ones = F.avg_pool2d(torch.ones_like(IMAGES), kernel, **{"stride": 2, **options})
    seen = F.avg_pool2d((~hidden).double(), kernel, **{"stride": 2, **options})
    small = F.interpolate(hidden.double(), y.shape[-2:]) > 0
    assert_close(y, (plain * ones / seen).masked_fill(small, 0))


def test_max_pooling_does_not_take_hidden_zeros_for_values():
    y = masked(lambda x: F.max_pool2d(x - 10, 3, stride=2, padding=1))
    windows = F.max_pool2d((IMAGES - 10).masked_fill(_hidden(), -torch.inf), 3, 2, 1)
    small = F.interpolate(_hidden().double(), y.shape[-2:]) > 0
    assert (windows[~small] < -8).all()
    assert_close(y, windows.masked_fill(small, 0))


def test_a_padding_outside_its_convolution_is_the_padding_of_the_convolution():
    layer = nn.Conv2d(4, 4, 3, stride=2)
    outside = masked(lambda x, conv: conv(F.pad(x, (1, 1, 1, 1))), layer)
    inside = masked(lambda x, conv: F.conv2d(x, conv.weight, conv.bias, stride=2, padding=1), layer)
    assert_close(outside, inside)


def test_a_padded_map_is_not_pooled_as_a_whole():
    with pytest.raises(NotMaskableError, match="adaptive_avg_pool2d over positions of a padded"):
        masked(lambda x: F.adaptive_avg_pool2d(F.pad(x, (1, 1, 1, 1)), 1))


class Flattens(nn.Module):
    """Convolutions over all positions as one sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.mixer = nn.Conv1d(8, 8, 3, padding=1)

    def forward(self, x):
        y = self.stem(x)
        return self.mixer(y.flatten(2)).view(y.shape)


class Attends(nn.Module):
    """Attention between positions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        y = self.stem(x)
        tokens = y.flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens)[0].transpose(1, 2).reshape(y.shape)


class Blurred(torch.autograd.Function):
    """A mean over positions that no function of PyTorch shows."""

    @staticmethod
    def forward(ctx, x):
        return x - x.mean((2, 3), keepdim=True)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Blurs(nn.Module):
    """A module around that function."""

    def forward(self, x):
        return Blurred.apply(x)


class Hides(nn.Module):
    """A module whose unusual layer has a name."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.stem, self.odd = nn.Conv2d(3, 8, 4, stride=4), layer

    def forward(self, x):
        return self.odd(self.stem(x))


class Applies(nn.Module):
    """Any function as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (Flattens(), "Flattens cannot be pre-trained under a mask: body (Flattens) calls flatten"),
        (Attends(), "body (Attends) calls flatten from (2, 8, 16, 16) to (2, 8, 256)"),
        (Hides(Blurs()), "body.odd (Blurs) gives a value that was computed outside PyTorch's func"),
        (Hides(nn.ConvTranspose2d(8, 8, 3, padding=1)), "odd (ConvTranspose2d) calls conv_transp"),
        (Hides(nn.InstanceNorm2d(8)), "body.odd (InstanceNorm2d) calls instance_norm"),
        (Hides(nn.LayerNorm([16, 16])), "odd (LayerNorm) calls layer_norm over the positions"),
        (Hides(nn.Upsample(scale_factor=2, mode="bilinear")), "calls interpolate (bilinear)"),
        (Hides(nn.AdaptiveAvgPool2d(8)), "pools a map of 16 x 16 positions to (8, 8)"),
        (Hides(nn.PixelShuffle(2)), "body.odd (PixelShuffle) calls pixel_shuffle"),
        (Hides(nn.Conv2d(8, 8, 3)), "odd (Conv2d) makes a map of 14 x 14 positions from images of"),
        (Hides(Applies(lambda x: x - x.mean(2, keepdim=True))), "mean over the rows or the colum"),
        (Hides(Applies(lambda x: x - x.mean(0, keepdim=True))), "mean over the images of a batch"),
        (Hides(Applies(lambda x: x / x.std((2, 3), keepdim=True))), "calls std over positions"),
        (Hides(Applies(lambda x: x - x.mean())), "calls mean over the images of a batch"),
        (Hides(Applies(lambda x: x * float(x.max()))), "calls max over the images of a batch"),
        (Hides(Applies(lambda x: x[:, :, ::2, ::2])), "takes a part of the positions of a map"),
        (Hides(Applies(lambda x: x.flip(3))), "body.odd (Applies) calls flip"),
        (Hides(Applies(lambda x: x.roll(1, 2))), "body.odd (Applies) calls roll"),
        (Hides(Applies(lambda x: x.softmax(-1))), "calls softmax along the positions of a map"),
        (Hides(Applies(lambda x: x @ x.transpose(2, 3))), "swaps the rows and columns of a map"),
        (Hides(Applies(lambda x: x.detach().data * x)), "body.odd (Applies) calls data"),
        (Hides(Applies(lambda x: torch.from_numpy(x.detach().numpy()))), "(Applies) calls numpy"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_on_visible_positions_is_refused_by_name(net, said):
    encoder = NetEncoder(net, size=(64, 64)) if not isinstance(net, Hides) else _encoder(net)
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        encoder.check_masked((64, 64), Mask(patch=16))
    assert "on visible patches alone; supported are two-dimensional convo" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vit_tiny_patch16_224", "timm:vit_tiny_patch16_224 gives no feature map, as ConvNets do."),
        ("edgenext_xx_small", "SplitTransposeBlock) calls reshape"),
        ("inception_v3", "gives a map of 6 x 6 positions for images of 256 x 256 pixels"),
    ],
)
def test_a_net_of_timm_that_cannot_be_masked_is_refused_by_name(name, said):
    net = TimmArchitecture(timm=name, size=(224, 224) if "vit" in name else None)
    with pytest.raises(ValueError, match=re.escape(said)):
        check_masked(net, (224, 224), Mask())


def test_a_net_that_gives_no_map_is_refused_with_what_it_gives():
    said = "Applies gives (2, 3) for images of shape (2, 3, 8, 8), but must give a feature map"
    with pytest.raises(ValueError, match=re.escape(said)):
        NetEncoder(Applies(lambda x: x.mean((2, 3))), size=(8, 8))


def test_a_function_that_the_check_did_not_meet_is_refused_while_training_too():
    net = Calls(lambda x: x.flip(2) if (x.shape[0] == 2) else x)
    check_maskable(net, torch.zeros(3, 4, 8, 12), patch=PATCH, name="net")
    with pytest.raises(ValueError, match="calls flip"):
        masked_features(net, IMAGES, VISIBLE, patch=PATCH)


def _hidden() -> torch.Tensor:
    hidden = torch.ones(2, 6, dtype=torch.bool).scatter(1, VISIBLE, False).view(2, 1, 2, 3)
    wide = hidden.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
    return wide.expand_as(IMAGES)


def _encoder(net: nn.Module) -> NetEncoder:
    """Around a net whose map need not be one of squares of pixels."""
    plain = NetEncoder(net.stem, size=(64, 64))
    plain.body = net
    return plain
