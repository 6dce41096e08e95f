"""Weights of other libraries: there and back without a bit changed, and the same outputs."""

from collections.abc import Callable

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torchvision.models import ConvNeXt as TorchvisionConvNeXt
from torchvision.models.convnext import CNBlockConfig
from transformers import (
    ConvNextBackbone,
    ConvNextConfig,
    ConvNextForImageClassification,
    ConvNextModel,
    ConvNextV2Backbone,
    ConvNextV2Config,
    ConvNextV2ForImageClassification,
    ConvNextV2Model,
)

from fcmae.checkpoint.formats.contents import Contents, contents_of, shapes_of
from fcmae.checkpoint.formats.recognise import Recognised, recognise
from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.formats.timm import TIMM_CONV_MLP
from fcmae.errors import CheckpointError
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.build import rebuild
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture, DecoderOptions, architecture
from fcmae.model.pyramid import Pyramid

DEPTHS, DIMS = (1, 1, 2, 1), (8, 12, 16, 24)
V2 = Architecture(depths=DEPTHS, dims=DIMS)
V1 = Architecture(version=1, depths=DEPTHS, dims=DIMS)
V2_SIZES = ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge")
EPS = {"layer_norm_eps": 1e-6}
State = dict[str, Tensor]


def shapes(state: State) -> dict[str, tuple[int, ...]]:
    return {name: tuple(x.shape) for name, x in state.items()}


def excite(model: nn.Module) -> nn.Module:
    """Draw what starts at zero or tiny, so that a mistake in it shows."""
    for parameter in model.parameters():
        if parameter.ndim != 2 and parameter.numel() > 1:
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


def ours(state: State) -> tuple[nn.Module, Recognised]:
    """The model that a file of these tensors becomes."""
    recognised = recognise(shapes(state))
    model = rebuild(recognised.contents.description())
    tensors = recognised.to_ours(state)
    prefix = "encoder." if isinstance(model, Encoder) else ""
    own = {name.removeprefix(prefix): x for name, x in tensors.items()}
    model.load_state_dict({name: own[name] for name in model.state_dict()})
    return model.eval(), recognised


def config(version: int, **more: object) -> ConvNextConfig | ConvNextV2Config:
    kind = ConvNextConfig if version == 1 else ConvNextV2Config
    return kind(hidden_sizes=list(DIMS), depths=list(DEPTHS), **EPS, **more)


def timm_model(version: int, **more: object) -> nn.Module:
    kind = {"use_grn": True, "ls_init_value": None} if version == 2 else {}
    return timm.models.ConvNeXt(depths=DEPTHS, dims=DIMS, **kind, **more)


def torchvision_model() -> nn.Module:
    wide = zip(DIMS, (*DIMS[1:], None), DEPTHS, strict=True)
    return TorchvisionConvNeXt([CNBlockConfig(*stage) for stage in wide], num_classes=5)


CLASSIFIERS: dict[str, tuple[str, str | None, Callable[[], nn.Module]]] = {
    "timm-v2": ("timm", None, lambda: timm_model(2, num_classes=5)),
    "timm-v2-conv": ("conv", None, lambda: timm_model(2, num_classes=5, conv_mlp=True)),
    "timm-v1": ("timm", None, lambda: timm_model(1, num_classes=5)),
    "torchvision": ("torchvision", None, torchvision_model),
    "huggingface-v1": (
        "huggingface",
        "convnext.",
        lambda: ConvNextForImageClassification(config(1, num_labels=5)),
    ),
    "huggingface-v2": (
        "huggingface",
        "convnextv2.",
        lambda: ConvNextV2ForImageClassification(config(2, num_labels=5)),
    ),
}


@pytest.mark.parametrize("case", CLASSIFIERS)
def test_a_classifier_of_another_library_gives_the_same_logits(case: str) -> None:
    name, net, make = CLASSIFIERS[case]
    format = TIMM_CONV_MLP if name == "conv" else FORMATS[name]
    other = excite(make())
    state = other.state_dict()
    model, recognised = ours(state)
    assert recognised.format.name == format.name
    assert not recognised.dropped
    for size in ((64, 64), (96, 160)):
        images = torch.randn(2, 3, *size)
        with torch.no_grad():
            theirs = other(images)
            theirs = getattr(theirs, "logits", theirs)
            assert_close(model(images), theirs, rtol=1e-5, atol=1e-5)
    back = format.write(model.state_dict(), net)
    assert_close(back, dict(state), rtol=0, atol=0)
    other.load_state_dict(back)


def test_a_wrong_epsilon_is_seen() -> None:
    other = excite(ConvNextV2ForImageClassification(config(2, num_labels=5)))
    model, _ = ours(other.state_dict())
    for layer in (m for m in other.modules() if isinstance(m, nn.LayerNorm)):
        layer.eps = 1e-2
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert (model(images) - other(images).logits).abs().max() > 1e-4


@pytest.mark.parametrize("version", [1, 2])
def test_a_bare_model_gives_the_same_map(version: int) -> None:
    other = excite((ConvNextModel if version == 1 else ConvNextV2Model)(config(version)))
    model, recognised = ours(other.state_dict())
    assert isinstance(model, Encoder)
    assert recognised.contents.norm
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        encoded = model(images)
        found = encoded.layout.to_map(encoded.features)
        assert_close(found, other(images).last_hidden_state, rtol=1e-5, atol=1e-5)
    back = recognised.format.write(recognised.to_ours(other.state_dict()))
    assert_close(back, dict(other.state_dict()), rtol=0, atol=0)


@pytest.mark.parametrize("version", [1, 2])
def test_a_backbone_gives_the_same_pyramid(version: int) -> None:
    kind = ConvNextBackbone if version == 1 else ConvNextV2Backbone
    other = excite(kind(config(version, out_features=["stage1", "stage2", "stage4"])))
    model, recognised = ours(other.state_dict())
    assert isinstance(model, Pyramid)
    assert recognised.contents.pyramid == (0, 1, 3)
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for found, level in zip(model(images), other(images).feature_maps, strict=True):
            # Their own norm of channels-first maps has an epsilon of 1e-6 too.
            assert_close(found, level, rtol=1e-5, atol=1e-5)
    assert_close(
        recognised.format.write(model.state_dict()), dict(other.state_dict()), rtol=0, atol=0
    )


def test_names_of_timms_features_only_are_known() -> None:
    other = timm.create_model("convnextv2_atto", features_only=True)
    excite(other)
    model, recognised = ours(other.state_dict())
    assert recognised.format.name == "timm-features"
    assert model.architecture == architecture("atto")
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        encoded, level = model(images), other(images)[-1]
        found, scale = encoded.layout.to_map(encoded.features), level.abs().max()
        assert_close(found / scale, level / scale, rtol=1e-5, atol=1e-5)


def test_older_names_of_hugging_faces_grn_are_known() -> None:
    state = ConvNextV2ForImageClassification(config(2)).state_dict()
    old = {
        n.replace("grn.weight", "grn.gamma").replace("grn.bias", "grn.beta"): x
        for n, x in state.items()
    }
    assert set(old) != set(state)
    found = recognise(shapes(old)).to_ours(old)
    assert_close(found, recognise(shapes(state)).to_ours(dict(state)), rtol=0, atol=0)


MODELS: dict[str, Callable[[], nn.Module]] = {
    "classifier-v2": lambda: Classifier(V2, num_classes=5),
    "classifier-v1": lambda: Classifier(V1, num_classes=5),
    "pyramid": lambda: Pyramid(Encoder(V2)),
    "pyramid-of-two": lambda: Pyramid(Encoder(V1), stages=(1, 3)),
    "autoencoder": lambda: Autoencoder(V2, decoder=DecoderOptions(depth=2, width=12)),
    "stem-2": lambda: Classifier(
        Architecture(depths=DEPTHS, dims=DIMS, channels=5, stem=2), num_classes=3
    ),
}
HOLD = {
    "fcmae": set(MODELS),
    "official": set(MODELS) - {"autoencoder"},
    "official-sparse": {"autoencoder"},
    "timm": {"classifier-v2", "classifier-v1", "stem-2"},
    "timm-features": set(),
    "huggingface": set(MODELS) - {"autoencoder"},
    "torchvision": {"classifier-v1"},
    "mmpretrain": {"classifier-v2", "classifier-v1", "stem-2"},
    "mmpretrain-pyramid": {"pyramid", "pyramid-of-two"},
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", MODELS)
def test_ours_there_and_back_is_the_same_to_the_last_bit(name: str, kind: str) -> None:
    state = excite(MODELS[kind]()).state_dict()
    if kind not in HOLD[name]:
        with pytest.raises(ValueError, match="has no place for"):
            FORMATS[name].write(state)
        return
    written = FORMATS[name].write(state)
    recognised = recognise(shapes(written))
    assert recognised.format.name == name
    assert_close(recognised.to_ours(written), dict(state), rtol=0, atol=0)
    assert recognised.contents == contents_of(shapes(dict(state)))
    assert rebuild(recognised.contents.description()).state_dict().keys() == state.keys()


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "backbone.", "encoder.", "sparse_encoder.sp_cnn.", "visual.trunk."],
)
def test_prefixes_are_peeled_and_what_is_beside_is_named(prefix: str) -> None:
    state = FORMATS["official"].write(Classifier(V1, num_classes=2).state_dict())
    wrapped = {prefix + name: x for name, x in state.items()}
    recognised = recognise(shapes(wrapped) | {"dense_decoder.weight": (3,)})
    assert recognised.prefix == prefix
    assert list(recognised.dropped) == ["dense_decoder.weight"]
    assert_close(
        recognised.to_ours(wrapped), recognise(shapes(state)).to_ours(state), rtol=0, atol=0
    )


@pytest.mark.parametrize("name", [*V2_SIZES, "v1-tiny", "v1-small", "v1-base"])
def test_a_size_is_told_by_its_shapes_without_numbers(name: str) -> None:
    contents = Contents(architecture=architecture(name), norm=True, num_classes=1000)
    state = {n: torch.empty(s, device="meta") for n, s in shapes_of(contents).items()}
    for format in ("official", "timm", "huggingface", "mmpretrain"):
        assert recognise(shapes(FORMATS[format].write(state))).contents == contents


@pytest.mark.parametrize("kind", MODELS)
def test_the_shapes_of_contents_are_those_of_the_model(kind: str) -> None:
    state = shapes(dict(MODELS[kind]().state_dict()))
    assert shapes_of(contents_of(state)) == state


def complaint(state: dict[str, tuple[int, ...]]) -> str:
    with pytest.raises(CheckpointError) as caught:
        recognise(state, what="x.pth")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_not_whole_say_what_is_wrong_with_them() -> None:
    whole = shapes(FORMATS["timm"].write(dict(Classifier(V2, num_classes=5).state_dict())))
    for name in (*list(whole)[:8], "head.fc.bias", "stages.2.blocks.0.mlp.grn.weight"):
        assert f"missing {name}" in complaint({n: s for n, s in whole.items() if n != name}) or (
            name == "stem.0.weight"
        )
    assert "unexpected norm_pre.weight" in complaint(whole | {"norm_pre.weight": (24,)})
    bent = whole | {"stages.1.blocks.0.mlp.fc1.weight": (48, 13)}
    assert "misshapen stages.1.blocks.0.mlp.fc1.weight [48, 13] (here [48, 12])" in complaint(bent)
    deep = whole | {"stages.1.blocks.0.mlp.grn.weight": (1, 1, 48)}
    assert "misshapen stages.1.blocks.0.mlp.grn.weight [1, 1, 48]" in complaint(deep)
    assert "the stem's convolution is missing" in complaint(
        {n: s for n, s in whole.items() if n != "stem.0.weight"}
    )
    assert "stage 3 of the four has no blocks" in complaint(
        {n: s for n, s in whole.items() if not n.startswith("stages.3.blocks")}
    )
    scales = {f"stages.{i}.blocks.0.gamma": (c,) for i, c in enumerate(DIMS)}
    assert "it has both GRN, which ConvNeXt V2 has, and layer scale" in complaint(whole | scales)


def test_a_file_of_two_nets_asks_which() -> None:
    whole = shapes(FORMATS["official"].write(dict(Classifier(V2, num_classes=5).state_dict())))
    both = {f"{top}.{n}": s for top in ("model", "model_ema") for n, s in whole.items()}
    assert "holds 2 ConvNeXts, with the prefixes model. (official), model_ema. (official): say" in (
        complaint(both)
    )
    mixed = whole | shapes(FORMATS["timm"].write(dict(Classifier(V2, num_classes=5).state_dict())))
    assert "holds 2 ConvNeXts" in complaint(mixed)


def test_two_names_of_one_tensor_are_refused() -> None:
    state = shapes(dict(ConvNextV2ForImageClassification(config(2)).state_dict()))
    name = "convnextv2.encoder.stages.0.layers.0.grn.weight"
    said = complaint(state | {name.replace("weight", "gamma"): state[name]})
    assert f"unexpected {name} (twice), {name.replace('weight', 'gamma')} (twice)" in said


@pytest.mark.slow
@pytest.mark.parametrize("name", [*V2_SIZES, "v1-tiny", "v1-small", "v1-base"])
def test_every_size_goes_there_and_back_with_all_its_numbers(name: str) -> None:
    contents = Contents(architecture=architecture(name), norm=True, num_classes=1000)
    state = {n: torch.rand(s) for n, s in shapes_of(contents).items()}
    for format in ("official", "timm", "huggingface"):
        written = FORMATS[format].write(state)
        back = recognise(shapes(written)).to_ours(written)
        assert back.keys() == state.keys()
        assert all(torch.equal(back[n], x) for n, x in state.items())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"), [("base", "convnextv2_base"), ("v1-base", "convnext_base")]
)
def test_a_large_size_computes_what_timms_does(name: str, theirs: str) -> None:
    other = timm.create_model(theirs, num_classes=5).eval()
    model, _ = ours(other.state_dict())
    assert model.get_submodule("encoder").architecture == architecture(name)
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        assert_close(model(images), other(images), rtol=1e-5, atol=1e-5)


def test_other_nets_are_not_taken_for_one() -> None:
    assert "holds no ConvNeXt in a form that is known" in complaint(
        shapes(dict(timm.create_model("resnet18").state_dict()))
    )
    assert "it has no tensor at all" in complaint({})
