"""Whole nets under a mask: nothing leaks, hidden positions count nowhere, the net stays plain."""

import pytest
import timm
import torch
from torch.testing import assert_close

from fcmae.model.masked.features import MapNet, check_maskable, masked_features

NETS = {
    "resnet18": {},
    "resnet18-with-group-norm": {"norm_layer": "groupnorm"},
    "resnet18d": {},
    "tf_efficientnet_lite0": {},
    "mobilenetv3_small_050": {},
    "convnext_atto": {},
    "convnextv2_atto": {},
    "regnety_002": {},
    "resnest14d": {},
    "skresnet18": {},
}
"""BatchNorm, GroupNorm, average pooling, padding outside convolutions, SE and hard-swish, LayerNorm
of maps, GRN, split attention over channels."""
PATCH = 32


class Net(MapNet):
    """A net of timm in float64, whose parameters are all at work."""

    def __init__(self, name: str) -> None:
        super().__init__()
        kind = name.partition("-with-")[0]
        self.net = timm.create_model(kind, num_classes=0, **NETS[name]).double()
        for parameter in self.net.parameters():
            if parameter.ndim == 1 or parameter.abs().max() < 1e-3:
                torch.nn.init.normal_(parameter, mean=0.5, std=0.2)

    def last_map(self, images):
        return self.net.forward_features(images)


SOME = ("resnet18", "mobilenetv3_small_050", "convnext_atto")


@pytest.fixture(params=NETS)
def net(request) -> Net:
    return Net(request.param)


@pytest.fixture(params=SOME)
def some_net(request) -> Net:
    return Net(request.param)


def hidden_pixels(images: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    rows, columns = (side // PATCH for side in images.shape[-2:])
    hidden = torch.ones(len(images), rows * columns, dtype=torch.bool).scatter(1, visible, False)
    wide = hidden.view(-1, 1, rows, columns).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
    return wide.expand_as(images)


IMAGES = (2, 3, 2 * PATCH, 3 * PATCH)
VISIBLE = torch.tensor([[0, 4], [3, 5]])


def test_no_gradient_of_a_hidden_pixel_reaches_a_visible_feature(net):
    images = torch.randn(IMAGES, dtype=torch.float64, requires_grad=True)
    features = masked_features(net.train(), images, VISIBLE, patch=PATCH)
    (features * torch.randn_like(features)).sum().backward()
    hidden = hidden_pixels(images, VISIBLE)
    assert (images.grad[hidden] == 0).all()
    seen = images.grad.masked_fill(hidden, 0).abs().sum((1, 2, 3))
    assert (seen > 0).all()


def test_values_of_hidden_pixels_change_nothing_not_even_if_they_are_nan(some_net):
    images = torch.randn(IMAGES, dtype=torch.float64)
    state = {name: x.clone() for name, x in some_net.state_dict().items()}
    results = []
    for value in (0.0, 1e3, torch.nan):
        some_net.load_state_dict(state)
        filled = images.masked_fill(hidden_pixels(images, VISIBLE), value)
        torch.manual_seed(0)
        features = masked_features(some_net.train(), filled, VISIBLE, patch=PATCH)
        results.append((features, {n: x.clone() for n, x in some_net.state_dict().items()}))
    for features, buffers in results[1:]:
        assert_close(features, results[0][0], rtol=0, atol=0)
        assert_close(buffers, results[0][1], rtol=0, atol=0)


@pytest.mark.full
def test_an_image_with_a_visible_rectangle_is_computed_as_the_plain_net_computes_the_rectangle(net):
    """Hidden neighbours are as the border of the image, and no statistic counts them."""
    images = torch.randn(IMAGES, dtype=torch.float64)
    rectangle = torch.tensor([[0, 1, 3, 4]] * 2)
    state = {name: x.clone() for name, x in net.state_dict().items()}
    masked = masked_features(net.train(), images, rectangle, patch=PATCH)
    after = {name: x.clone() for name, x in net.state_dict().items()}
    net.load_state_dict(state)
    plain = net.last_map(images[..., : 2 * PATCH])
    assert_close(masked[..., :2], plain)
    assert (masked[..., 2] == 0).all()
    assert_close(after, dict(net.state_dict()))


def test_with_nothing_hidden_the_net_is_the_plain_net_bit_for_bit(some_net):
    images = torch.randn(IMAGES, dtype=torch.float64)
    everything = torch.arange(6).expand(2, -1)
    features = masked_features(some_net.eval(), images, everything, patch=PATCH)
    assert_close(features, some_net.last_map(images), rtol=0, atol=0)


def test_after_a_masked_step_the_net_is_an_ordinary_net_of_timm(some_net, request):
    images = torch.randn(IMAGES, dtype=torch.float64)
    masked_features(some_net.train(), images, VISIBLE, patch=PATCH).square().mean().backward()
    torch.optim.SGD(some_net.parameters(), lr=0.1).step()
    name = request.node.callspec.params["some_net"]
    other = timm.create_model(name.partition("-with-")[0], num_classes=0, **NETS[name]).double()
    other.load_state_dict(some_net.net.state_dict())
    plain = other.eval().forward_features(images)
    assert_close(some_net.eval().last_map(images), plain, rtol=0, atol=0)


def test_every_parameter_of_a_net_learns_under_a_mask():
    net = Net("resnet18").train()
    images = torch.randn(IMAGES, dtype=torch.float64)
    features = masked_features(net, images, VISIBLE, patch=PATCH)
    (features * torch.randn_like(features)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_checking_a_net_leaves_it_and_the_random_state_as_they_are(some_net):
    state = {name: x.clone() for name, x in some_net.state_dict().items()}
    before = torch.get_rng_state()
    images = torch.randn(IMAGES, dtype=torch.float64)
    torch.set_rng_state(before)
    check_maskable(some_net.train(), images, patch=PATCH, name="net")
    assert torch.equal(torch.get_rng_state(), before)
    assert_close(dict(some_net.state_dict()), state, rtol=0, atol=0)
    assert all(p.requires_grad for p in some_net.parameters())
    assert some_net.training
