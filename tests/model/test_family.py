"""The family: sizes of the paper's table, and the numbers of independent implementations."""

import re

import pytest
import timm
import torch
from torch.testing import assert_close

from fcmae.model.build import describe, rebuild
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import SIZES, Architecture, architecture
from fcmae.model.pyramid import Pyramid

# Millions: encoder and 1000-class classifier of V2, decoder side; from the paper's family.
PARAMETERS = {
    "atto": (3.39, 3.71, 3.87),
    "femto": (4.85, 5.23, 3.90),
    "pico": (8.55, 9.07, 3.97),
    "nano": (14.98, 15.62, 4.04),
    "tiny": (27.86, 28.64, 4.10),
    "base": (87.69, 88.72, 4.23),
    "large": (196.42, 197.96, 4.49),
    "huge": (657.47, 660.29, 5.15),
}
SMALL = Architecture(depths=(1, 1, 2, 1), dims=(8, 12, 16, 24))


def millions(model: torch.nn.Module) -> float:
    return sum(p.numel() for p in model.parameters()) / 1e6


@pytest.mark.parametrize(("name", "expected"), PARAMETERS.items(), ids=list(PARAMETERS))
def test_parameter_counts_are_those_of_the_paper(name, expected):
    from fcmae.model.autoencoder import Autoencoder

    with torch.device("meta"):
        classifier = Classifier(architecture(name), num_classes=1000)
        autoencoder = Autoencoder(architecture(name))
    assert millions(classifier.encoder) == pytest.approx(expected[0], abs=0.006)
    assert millions(classifier) == pytest.approx(expected[1], abs=0.006)
    assert millions(autoencoder.decoder) == pytest.approx(expected[2], abs=0.006)


TIMM = {
    r"stem\.0\.(.*)": r"encoder.stem.\1",
    r"stem\.1\.(.*)": r"encoder.stem_norm.\1",
    r"stages\.([123])\.downsample\.0\.(.*)": r"encoder.downsamples.\1.norm.\2",
    r"stages\.([123])\.downsample\.1\.(.*)": r"encoder.downsamples.\1.conv.\2",
    r"stages\.(\d)\.blocks\.(\d+)\.conv_dw\.(.*)": r"encoder.stages.\1.\2.depthwise.\3",
    r"stages\.(\d)\.blocks\.(\d+)\.norm\.(.*)": r"encoder.stages.\1.\2.norm.\3",
    r"stages\.(\d)\.blocks\.(\d+)\.mlp\.fc1\.(.*)": r"encoder.stages.\1.\2.expand.\3",
    r"stages\.(\d)\.blocks\.(\d+)\.mlp\.fc2\.(.*)": r"encoder.stages.\1.\2.contract.\3",
    r"stages\.(\d)\.blocks\.(\d+)\.mlp\.grn\.weight": r"encoder.stages.\1.\2.grn.gamma",
    r"stages\.(\d)\.blocks\.(\d+)\.mlp\.grn\.bias": r"encoder.stages.\1.\2.grn.beta",
    r"stages\.(\d)\.blocks\.(\d+)\.gamma": r"encoder.stages.\1.\2.scale.weight",
    r"head\.norm\.(.*)": r"norm.\1",
    r"head\.fc\.(.*)": r"head.\1",
}


def from_timm(name: str) -> str:
    for pattern, ours in TIMM.items():
        if re.fullmatch(pattern, name):
            renamed = re.sub(pattern, ours, name)
            # timm counts the downsampling layers by the stage they lead to.
            return re.sub(r"downsamples\.(\d)", lambda m: f"downsamples.{int(m[1]) - 1}", renamed)
    raise KeyError(name)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("atto", "convnextv2_atto"),
        ("tiny", "convnextv2_tiny"),
        ("v1-atto", "convnext_atto"),
        ("v1-tiny", "convnext_tiny"),
    ],
)
def test_the_dense_classifier_equals_timm(ours, theirs):
    other = timm.create_model(theirs, num_classes=7).eval()
    for name, parameter in other.named_parameters():
        if "grn" in name or name.endswith("gamma"):
            torch.nn.init.normal_(parameter, std=0.2)
    model = Classifier(architecture(ours), num_classes=7).eval()
    shapes = {name: x.shape for name, x in model.state_dict().items()}
    state = {from_timm(n): x.reshape(shapes[from_timm(n)]) for n, x in other.state_dict().items()}
    model.load_state_dict(state)
    for size in [(64, 64), (96, 160)]:
        images = torch.randn(2, 3, *size)
        assert_close(model(images), other(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("stem", "channels"), [(4, 3), (2, 1), (1, 13)])
def test_stems_and_channels_give_a_pyramid_of_four_strides(stem, channels):
    encoder = Encoder(
        Architecture(depths=(1, 1, 1, 1), dims=(8, 12, 16, 24), stem=stem, channels=channels)
    )
    maps = Pyramid(encoder)(torch.randn(2, channels, 16 * stem, 24 * stem))
    assert [tuple(m.shape) for m in maps] == [
        (2, 8, 16, 24), (2, 12, 8, 12), (2, 16, 4, 6), (2, 24, 2, 3)
    ]  # fmt: skip


def test_each_level_of_a_pyramid_is_normalised_by_itself():
    pyramid = Pyramid(Encoder(SMALL), stages=(1, 3))
    maps = pyramid(torch.randn(2, 3, 64, 64))
    assert set(dict(pyramid.norms.named_parameters())) == {
        "1.weight",
        "1.bias",
        "3.weight",
        "3.bias",
    }
    for level in maps:
        assert_close(level.mean(1), torch.zeros_like(level.mean(1)), rtol=0, atol=1e-5)


def test_stochastic_depth_rises_from_none_to_its_maximum():
    encoder = Encoder(architecture("atto"), drop_path=0.3)
    rates = [m.probability for m in encoder.modules() if type(m).__name__ == "StochasticDepth"]
    assert rates[0] == 0
    assert rates[-1] == pytest.approx(0.3)
    assert rates == sorted(rates)


def test_stochastic_depth_keeps_the_mean_and_drops_whole_images():
    from fcmae.model.layers import StochasticDepth

    layer = StochasticDepth(0.25)
    x = torch.ones(4000, 2, 3)
    y = layer(x)
    assert_close(y.unique(), torch.tensor([0, 4 / 3]))
    assert (y.flatten(1).std(dim=1) == 0).all()
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    assert_close(layer.eval()(x), x, rtol=0, atol=0)


def test_the_head_starts_as_small_as_asked():
    torch.manual_seed(0)
    plain = Classifier(SMALL, num_classes=10)
    torch.manual_seed(0)
    scaled = Classifier(SMALL, num_classes=10, head_init_scale=0.001)
    assert_close(scaled.head.weight, plain.head.weight * 0.001)


def test_weights_start_with_the_standard_deviation_of_the_paper():
    encoder = Encoder(architecture("tiny"))
    for name, parameter in encoder.named_parameters():
        if parameter.ndim > 1:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
        elif name.endswith("bias"):
            assert (parameter == 0).all(), name


@pytest.mark.parametrize("version", [1, 2])
def test_a_description_rebuilds_the_model(version):
    import json

    from fcmae.masking import Mask
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.model.options import DecoderOptions

    arch = Architecture(version=version, depths=(1, 1, 1, 1), dims=(8, 8, 8, 8), channels=2, stem=2)
    models = [
        Encoder(arch),
        Classifier(arch, num_classes=3),
        Autoencoder(
            arch, decoder=DecoderOptions(depth=2, width=16), mask=Mask(ratio=0.75, patch=32)
        ),
    ]
    for model in models:
        again = rebuild(json.loads(json.dumps(describe(model))))
        assert describe(again) == describe(model)
        again.load_state_dict(model.state_dict())


@pytest.mark.parametrize("name", SIZES)
def test_every_name_has_an_architecture_in_both_versions(name):
    assert architecture(name).dims == architecture(f"v1-{name}").dims
    assert architecture(f"v1-{name}").version == 1


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(
        ValueError, match=re.escape("there is no model 'attto'. Did you mean atto?")
    ):
        architecture("attto")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (1, 3, 200, 224),
            "images of 200 x 224 pixels do not fit the encoder's stride of 32 pixels. "
            "The nearest size that fits is 192 x 224.",
        ),
        (
            (1, 4, 224, 224),
            "the images have 4 channels (1 x 4 x 224 x 224), but the encoder was made for 3: "
            "convert them, or make the model with channels=4.",
        ),
    ],
)
def test_images_that_do_not_fit_are_refused_with_the_way_out(shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Encoder(SMALL)(torch.zeros(shape))
