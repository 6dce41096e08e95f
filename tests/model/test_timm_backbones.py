"""Nets of timm below the heads of detection, segmentation and values."""

import re

import pytest
import timm
import torch
from torch.testing import assert_close

from fcmae.model.build import describe, rebuild
from fcmae.model.detector import Detector, of_image, summed
from fcmae.model.estimator import Estimator
from fcmae.model.freezing import frozen_parts
from fcmae.model.options import MaskRCNN, UPerNet
from fcmae.model.pyramid import LevelNorms
from fcmae.model.segmenter import Segmenter
from fcmae.model.timm_body import pyramid_format
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture

RESNET = TimmArchitecture(timm="test_resnet")
HEAD = UPerNet(width=16, auxiliary_width=16)
BOXES = MaskRCNN(width=16, proposals=8)

NETS = {
    "resnet18": (64, 128, 256, 512),
    "tf_efficientnet_lite0": (24, 40, 112, 320),
    "mobilenetv3_small_050": (8, 16, 24, 288),
    "convnext_atto": (40, 80, 160, 320),
    "regnety_002": (24, 56, 152, 368),
    "vgg11_bn": (256, 512, 512, 512),
    "mambaout_femto": (48, 96, 192, 288),
}


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_levels_are_the_last_maps_of_strides_4_8_16_and_32(name):
    net = TimmArchitecture(timm=name)
    assert pyramid_format(net).channels == NETS[name]
    theirs = {x["reduction"]: x["num_chs"] for x in timm.create_model(name).feature_info}
    assert [theirs[stride] for stride in (4, 8, 16, 32)] == list(NETS[name])
    encoder = TimmEncoder(net).eval()
    maps = encoder.levels(torch.randn(1, 3, 64, 96))
    shapes = [(1, c, 64 // s, 96 // s) for c, s in zip(NETS[name], (4, 8, 16, 32), strict=True)]
    assert [tuple(x.shape) for x in maps] == shapes


@torch.no_grad()
def test_levels_are_those_that_timm_gives_of_its_features():
    torch.manual_seed(0)
    encoder = TimmEncoder(RESNET).eval()
    features = timm.create_model("test_resnet", features_only=True, out_indices=(1, 2, 3, 4))
    features.load_state_dict(encoder.body.state_dict(), strict=False)
    images = torch.randn(2, 3, 64, 64)
    assert_close(encoder.levels(images), features.eval()(images))


@torch.no_grad()
def test_each_level_is_normalised_over_its_channels():
    encoder = TimmEncoder(RESNET).eval()
    images = torch.randn(2, 3, 64, 64)
    normed = LevelNorms(RESNET)(encoder, images)
    for x, y in zip(encoder.levels(images), normed, strict=True):
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, correction=0)
        assert_close(y, (x - mean) / (variance + 1e-6).sqrt(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (TimmArchitecture(timm="test_vit", size=(64, 64)), "is built for one size, here 64 x 64"),
        (TimmArchitecture(timm="test_vit"), "gives maps of strides 16, but detection and segment"),
        (TimmArchitecture(timm="convmixer_768_32"), "timm:convmixer_768_32 gives maps of strides"),
    ],
)
def test_a_net_without_these_maps_is_refused_by_name(net, said):
    for kind in (Segmenter, Detector):
        with pytest.raises(ValueError, match=re.escape(said)):
            kind(net, num_classes=2)


def test_stages_of_a_net_of_timm_are_not_frozen():
    assert frozen_parts(TimmEncoder(RESNET), 0) == []
    with pytest.raises(ValueError, match="freeze_stages is 2, but timm:test_resnet has no stages"):
        frozen_parts(TimmEncoder(RESNET), 2)


def segmenter() -> Segmenter:
    return Segmenter(RESNET, num_classes=3, head=HEAD)


def detector() -> Detector:
    return Detector(RESNET, num_classes=2, head=BOXES)


def estimator() -> Estimator:
    return Estimator(RESNET, num_values=2, kind="numbers")


def losses(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """A loss of each kind of model, in which every head has a part."""
    if isinstance(model, Segmenter):
        both = model.both(images)
        return both.scores.square().mean() + both.auxiliary.square().mean()
    if isinstance(model, Detector):
        target = {
            "boxes": torch.tensor([[8.0, 8.0, 40.0, 48.0]]),
            "labels": torch.tensor([1]),
            "masks": torch.zeros(1, 64, 64, dtype=torch.bool).index_fill_(1, torch.arange(20), 1),
        }
        maps = of_image(model.features(images), 0)
        return summed(model.losses(images[:1], maps, (64, 64), target))
    return (model.standardised(images) - 1).square().mean()


@pytest.mark.parametrize("make", [segmenter, detector, estimator])
def test_a_step_moves_the_net_and_the_heads(make):
    model, images = make().train(), torch.randn(2, 3, 64, 64)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    losses(model, images).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert any(name.startswith("encoder.body.conv1") for name in moved)
    parts = {"segmenter": "head.", "detector": "rpn.", "estimator": "head."}
    assert any(name.startswith(parts[make.__name__]) for name in moved)


@pytest.mark.parametrize("make", [segmenter, detector, estimator])
@torch.no_grad()
def test_a_model_is_rebuilt_from_what_is_said_of_it(make):
    model, images = make().eval(), torch.randn(1, 3, 64, 64)
    description = describe(model)
    assert description["architecture"]["timm"] == "test_resnet"
    again = rebuild(description).eval()
    again.load_state_dict(model.state_dict())
    one, other = model(images), again(images)
    if isinstance(one, torch.Tensor):
        assert_close(one, other, rtol=0, atol=0)
    else:
        assert_close(one[0].boxes, other[0].boxes, rtol=0, atol=0)
