"""Nets of timm as baselines: what timm computes, from timm's files, at any size they can take."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from serving import Server, serving
from torch import nn
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.header import read_header
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.published import TIMM
from fcmae.checkpoint.published_names import named
from fcmae.checkpoint.resolve import resolve
from fcmae.checkpoint.timm_names import net_of, num_classes
from fcmae.checkpoint.weights import load_into, load_model, save_weights
from fcmae.errors import CheckpointError
from fcmae.evaluation.embed import pooled
from fcmae.model.encoder import Encoder
from fcmae.model.timm_net import TimmClassifier, TimmEncoder
from fcmae.model.timm_options import TimmArchitecture

VIT = "test_vit.r160_in1k"
CLASSIFIERS = {
    VIT: (100, 64),
    "test_vit2.r160_in1k": (100, 64),
    "test_resnet.r160_in1k": (25, 96),
    "test_convnext.r160_in1k": (25, 64),
    "test_nfnet.r160_in1k": (25, 192),
    "test_efficientnet.r160_in1k": (25, 256),
    "swin_tiny_patch4_window7_224.ms_in1k": (49, 768),
    "convnext_atto_ols.a2_in1k": (49, 320),
}
"""Positions and channels of the last map."""
ENCODERS = {
    "vit_tiny_patch16_224.augreg_in21k": False,
    "vit_small_patch14_dinov2.lvd142m": True,
    "deit_tiny_distilled_patch16_224.fb_in1k": True,
}
"""Whether their files have no single linear head."""


def theirs(name: str, **more: object) -> nn.Module:
    """A net of timm with weights that nobody trained, none of them 0 or 1."""
    torch.manual_seed(0)
    net = timm.create_model(name, **more).eval()
    with torch.no_grad():
        for x in net.parameters():
            x.add_(0.02 * torch.randn_like(x))
    return net


def written(folder: Path, net: nn.Module) -> Path:
    path = folder / "model.safetensors"
    save_file({name: x.clone() for name, x in net.state_dict().items()}, path)
    return path


@pytest.mark.full
@pytest.mark.parametrize("name", CLASSIFIERS)
@torch.no_grad()
def test_features_and_logits_are_timms_own(name: str, tmp_path: Path) -> None:
    net = theirs(name)
    model, card = load_model(read_header(written(tmp_path, net), net=net_of(name)))
    assert isinstance(model, TimmClassifier)
    assert card.kind == "classifier"
    height, width = timm.get_pretrained_cfg(name).input_size[1:]
    images = torch.randn(2, 3, height, width)
    features = net.forward_features(images)
    assert_close(model(images), net(images), rtol=0, atol=1e-5)
    vectors = net.forward_head(features, pre_logits=True)
    assert_close(pooled(model, images), vectors, rtol=0, atol=1e-5)
    assert_close(pooled(model.encoder, images), vectors, rtol=0, atol=1e-5)
    assert model.encoder(images).shape == (2, *CLASSIFIERS[name])


@torch.no_grad()
def test_positions_are_those_of_the_map_without_other_tokens(tmp_path: Path) -> None:
    images = torch.randn(1, 3, 160, 160)
    for name in (VIT, "test_resnet.r160_in1k", "test_mambaout"):
        net = theirs(name)
        encoder = TimmEncoder(net_of(name))
        encoder.body.load_state_dict(net.state_dict(), strict=False)
        features = net.forward_features(images)
        if name == VIT:
            wanted = features[:, 1:]
        elif name == "test_mambaout":
            wanted = features.flatten(1, 2)
        else:
            wanted = features.flatten(2).mT
        assert_close(encoder.eval()(images), wanted)


@pytest.mark.filterwarnings("ignore:torch.searchsorted")  # timm's own resampling
@pytest.mark.parametrize(
    "name",
    [
        "test_vit3.r160_in1k",
        pytest.param("swin_tiny_patch4_window7_224.ms_in1k", marks=pytest.mark.slow),
    ],
)
@torch.no_grad()
def test_a_net_of_one_size_is_made_for_another_by_timms_means(name: str, tmp_path: Path) -> None:
    net = theirs(name)
    path = written(tmp_path, net)
    model, _ = load_model(read_header(path, net=net_of(name)), size=(96, 64))
    state = {**net.state_dict()}
    overlay = {"state_dict": state, "input_size": (3, 96, 64)}
    other = timm.create_model(
        name, pretrained=True, pretrained_cfg_overlay=overlay, img_size=(96, 64)
    )
    images = torch.randn(2, 3, 96, 64)
    assert_close(model(images), other.eval()(images), rtol=0, atol=1e-5)
    # And the weights of a run here, which have no names of timm any more, in the same way.
    save_weights(
        tmp_path / "run.safetensors", load_model(read_header(path, net=net_of(name)))[0], {}
    )
    again, _ = load_model(tmp_path / "run.safetensors", size=(96, 64))
    assert_close(again(images), model(images))


@pytest.mark.parametrize("name", ["test_vit.r160_in1k", "test_resnet.r160_in1k"])
@torch.no_grad()
def test_what_a_run_saved_is_rebuilt(name: str, tmp_path: Path) -> None:
    model = TimmClassifier(net_of(name), num_classes=3).eval()
    path = tmp_path / "weights.safetensors"
    card = {"size": [160, 160], "classes": ["a", "b", "c"]}
    save_weights(path, model, card)
    again = fcmae.load(path)
    images = torch.randn(1, 3, 160, 160)
    assert_close(again(images), model(images), rtol=0, atol=0)
    assert again.predict(torch.rand(3, 160, 160)).name in "abc"


def test_a_description_cannot_make_timm_fetch_or_fit_what_is_not_there(tmp_path: Path) -> None:
    model = TimmEncoder(net_of("test_resnet.r160_in1k"))
    path = tmp_path / "weights.safetensors"
    for name in ("hf-hub:someone/net", "local-dir:/tmp", "nothing"):
        model.architecture = replace(model.architecture, timm=name)
        save_weights(path, model, {})
        with pytest.raises(CheckpointError, match="needs another version"):
            load_model(path)
    model.architecture = net_of(VIT)
    save_weights(path, model, {})
    with pytest.raises(CheckpointError, match="does not fit its own model"):
        load_model(path)


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, theirs(VIT))
    header = read_header(path, net=net_of(VIT))
    with pytest.raises(CheckpointError, match=r"holds the weights of timm:test_vit\.r160_in1k"):
        load_into(TimmEncoder(net_of("test_resnet.r160_in1k")), header)
    with pytest.raises(CheckpointError, match="only one of them is timm's"):
        load_into(Encoder(), header)
    wrong = read_header(path, net=net_of("test_resnet.r160_in1k"))
    with pytest.raises(CheckpointError, match="does not hold a whole timm:test_resnet") as caught:
        load_model(wrong)
    assert "\n" not in str(caught.value)


@torch.no_grad()
def test_a_head_is_kept_or_new(tmp_path: Path) -> None:
    net = theirs(VIT)
    header = read_header(written(tmp_path, net), net=net_of(VIT))
    model = TimmClassifier(net_of(VIT), num_classes=1000)
    report = load_into(model, header, without=("head",))
    assert not torch.equal(model.head.weight, net.get_classifier().weight)
    assert report.new == ["head.weight", "head.bias"]
    assert set(report.names("dropped")) == {"head.weight", "head.bias"}
    assert load_into(model, header).new == []
    assert torch.equal(model.head.weight, net.get_classifier().weight)
    few = TimmClassifier(net_of(VIT), num_classes=4)
    assert "not one of 4 classes" in load_into(few, header).lines()[1]


def test_files_without_one_linear_head_are_encoders() -> None:
    for name, headless in ENCODERS.items():
        net = timm.create_model(name)
        shapes = {n: tuple(x.shape) for n, x in net.state_dict().items()}
        assert (num_classes(name, shapes) is None) == headless


@torch.no_grad()
def test_a_stem_is_made_for_other_channels_on_request_only(tmp_path: Path) -> None:
    net = theirs("test_resnet.r160_in1k")
    header = read_header(written(tmp_path, net), net=net_of("test_resnet.r160_in1k"))
    with pytest.raises(CheckpointError, match="for 3 channels, not for 6: adapt= says"):
        load_model(header, channels=6)
    model, _ = load_model(header, channels=6, adapt="repeat")
    one = torch.randn(1, 1, 64, 64)
    assert_close(model(one.expand(-1, 6, -1, -1)), net(one.expand(-1, 3, -1, -1)))


@pytest.fixture
def hub_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    from huggingface_hub import constants

    with serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server


def test_weights_are_fetched_by_name_like_all_others(hub_server: Server, tmp_path: Path) -> None:
    content = written(tmp_path, theirs(VIT)).read_bytes()
    config = {"label_names": [f"class {i}" for i in range(1000)]}
    hub_server.hub_file(f"timm/{VIT}", "model.safetensors", content)
    hub_server.hub_file(f"timm/{VIT}", "config.json", json.dumps(config).encode())
    source = Source(cache=tmp_path / "cache")
    found = resolve("timm:test_vit", source)
    assert found.licences == ["Apache-2.0"]
    assert found.lineage[0]["source"] == f"timm:{VIT}"
    assert found.lineage[0]["format"] == "timm"
    assert found.header.card.mean == (0.5, 0.5, 0.5)
    assert found.header.card.size == (160, 160)
    assert found.header.card.classes[7] == "class 7"
    hub_server.asked.clear()
    again = resolve(f"timm:{VIT}", Source(cache=source.cache, offline=True))
    assert again.header.path == found.header.path
    assert hub_server.asked == []
    model = fcmae.load(f"timm:{VIT}", source=source)
    assert isinstance(model, TimmClassifier)


def test_a_folder_that_timm_wrote_needs_no_name(tmp_path: Path) -> None:
    written(tmp_path, theirs(VIT))
    facts = {"tag": "r160_in1k", "input_size": [3, 160, 160], "mean": [0.5, 0.5, 0.5]}
    config: dict[str, object] = {"architecture": "test_vit", "pretrained_cfg": facts}
    (tmp_path / "config.json").write_text(json.dumps(config))
    header = resolve(tmp_path).header
    assert header.net == TimmArchitecture(timm=VIT, channels=3, size=(160, 160))
    assert header.card.mean == (0.5, 0.5, 0.5)
    config["model_args"] = {"img_size": 96}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"with arguments of its own \(img_size\)"):
        resolve(tmp_path)
    config["architecture"] = "no_net"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="holds no ConvNeXt in a form that is known"):
        resolve(tmp_path)


NAMES: dict[str, tuple[Callable[[str], object], str]] = {
    "timm:vit_base_patch16_224.ma": (named, r"did you mean timm:vit_base_patch16_224\.mae"),
    "timm:resnet19": (named, "not among the [0-9,]+ sets of timm .* did you mean timm:resnet"),
    "timm:test_vit4": (named, 'timm has no weights of test_vit4: model="timm:test_vit4"'),
    "timm:gcvit_base.in1k": (named, "is not on the hub"),
    "resnet19": (net_of, "not among the [0-9,]+ nets of timm .* did you mean timm:resnet"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_name_of_timm_offers_the_nearest(name: str) -> None:
    function, says = NAMES[name]
    with pytest.raises((CheckpointError, ValueError), match=says):
        function(name)


def test_every_set_of_timm_has_a_meaning() -> None:
    for name in ("vit_base_patch16_224.mae", "beit_base_patch16_224.in22k_ft_in22k", "resnet50"):
        published = named(f"timm:{name}")
        assert published is not None
        assert published.net is not None
        assert published.repo.startswith("timm/")
    ours = named("timm:convnextv2_tiny.fcmae")
    assert ours is not None
    assert ours.net is None
    for name in set(timm.list_pretrained("convnext*")) - set(TIMM):
        published = named(f"timm:{name}")
        assert published is not None
        assert published.net is not None
