"""Models take the channels of their images and their stem beside the name of a size."""

import re
from typing import Any

import pytest
import torch

import fcmae
from fcmae.model.given_architecture import architecture_of, net_of
from fcmae.model.options import Architecture, architecture
from fcmae.model.timm_options import TimmArchitecture

HEAD = {"width": 32}


@pytest.mark.parametrize(
    "make",
    [
        lambda **how: fcmae.Encoder("atto", **how),
        lambda **how: fcmae.Autoencoder("atto", decoder={"width": 16}, **how),
        lambda **how: fcmae.Classifier("atto", num_classes=2, **how),
        lambda **how: fcmae.Segmenter("atto", num_classes=2, head=HEAD, **how),
        lambda **how: fcmae.Detector("atto", num_classes=2, head=HEAD, **how).eval(),
        lambda **how: fcmae.Estimator("atto", num_values=2, kind="labels", **how),
    ],
    ids=["encoder", "autoencoder", "classifier", "segmenter", "detector", "estimator"],
)
def test_each_model_is_made_for_images_of_these_channels(make: Any) -> None:
    model = make(channels=1, stem=2)
    encoder = getattr(model, "encoder", model)
    assert encoder.architecture == architecture("atto", channels=1, stem=2)
    with torch.no_grad():
        model(torch.zeros(1, 1, 32, 32))


def test_channels_alone_are_those_of_atto() -> None:
    assert architecture_of(None, channels=7) == Architecture(channels=7)
    assert architecture_of(None) == Architecture()
    assert architecture_of("v1-tiny", 1) == architecture("v1-tiny", channels=1)


def test_a_name_stands_for_a_net_of_timm_where_one_may_be() -> None:
    assert net_of("timm:test_resnet", 1) == TimmArchitecture(timm="test_resnet", channels=1)
    model = fcmae.Estimator("timm:test_resnet", channels=1, num_values=2, kind="labels")
    assert model(torch.zeros(2, 1, 64, 64)).shape == (2, 2)
    with pytest.raises(ValueError, match="but this model has an encoder of ours"):
        fcmae.Classifier("timm:test_resnet", num_classes=2)


@pytest.mark.parametrize(
    ("given", "how", "message"),
    [
        (Architecture(), {"channels": 1}, "channels is 1, but the Architecture given with it has "),
        (Architecture(), {"stem": 2}, "stem is 2, but the Architecture given with it has 4: say "),
        ("tiny", {"channels": 0}, "channels is 0, but an image has at least one"),
        ("timm:test_resnet", {"stem": 2}, "but timm:test_resnet has its own: leave it out"),
        (3, {}, "architecture is 3, but must be the name of a size, such as 'tiny', or a fcmae.Ar"),
    ],
)
def test_what_does_not_go_together_is_refused(given: Any, how: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        net_of(given, **how)


def test_the_same_may_be_said_twice() -> None:
    assert architecture_of(Architecture(channels=1), 1) == Architecture(channels=1)


@pytest.mark.parametrize("net", ["atto", torch.nn.Conv2d(3, 8, 32, 32)], ids=["size", "module"])
def test_a_net_autoencoder_says_which_nets_it_takes(net: Any) -> None:
    from fcmae.model.net_autoencoder import _encoder

    with pytest.raises(ValueError, match=r"must be 'timm:NAME' or fcmae\.NetEncoder\(module\)"):
        _encoder(net, 0.0)
