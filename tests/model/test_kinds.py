"""Every kind of model has one entry in one table, to which a user's kinds are added."""

import inspect
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

import fcmae
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.build import OwnCodeError, describe, rebuild, register
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.detector import Detector
from fcmae.model.encoder import Encoder
from fcmae.model.estimator import Estimator
from fcmae.model.kinds import KINDS, encoder_in, with_origin
from fcmae.model.options import Architecture, MaskRCNN, UPerNet, architecture
from fcmae.model.pyramid import Pyramid
from fcmae.model.segmenter import Segmenter
from fcmae.model.timm_net import TimmClassifier, TimmEncoder
from fcmae.model.timm_options import TimmArchitecture

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8), stem=1)
RESNET = TimmArchitecture(timm="resnet10t")
MODELS = {
    "autoencoder": [Autoencoder(ARCH)],
    "classifier": [Classifier(ARCH, num_classes=2), TimmClassifier(RESNET, num_classes=2)],
    "contraster": [Contraster(ARCH)],
    "detector": [Detector(ARCH, num_classes=2, head=MaskRCNN(width=16))],
    "encoder": [Encoder(ARCH), TimmEncoder(RESNET)],
    "estimator": [Estimator(ARCH, num_values=2, kind="labels")],
    "pyramid": [Pyramid(Encoder(ARCH), stages=(1, 3))],
    "segmenter": [
        Segmenter(ARCH, num_classes=2, head=UPerNet(width=16, auxiliary_width=16)),
    ],
}


class Counter(nn.Module):
    """A net of a user's own, around an encoder that is not called so."""

    def __init__(self, architecture: Architecture | str | None = None, *, most: int = 9) -> None:
        super().__init__()
        self.most = most
        self.backbone = Encoder(architecture)
        self.count = nn.Linear(self.backbone.architecture.dims[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone(images).features.mean(dim=1)
        return self.count(features).squeeze(1).clamp(0, self.most)


@pytest.fixture
def registered() -> Iterator[None]:
    register("counter", Counter, describe=lambda model: {"most": model.most})
    yield
    del KINDS["counter"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_the_table_goes_to_its_description_and_back(kind: str) -> None:
    for model in MODELS[kind]:
        description = describe(model)
        other = rebuild(description)
        assert description["kind"] == kind
        assert type(other) is type(model)
        assert describe(other) == description
        assert_close(
            {name: x.shape for name, x in other.state_dict().items()},
            {name: x.shape for name, x in model.state_dict().items()},
        )


def test_the_table_is_read_without_pytorch() -> None:
    program = "import fcmae.model.kinds, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_kind_tells_the_command_that_makes_it() -> None:
    assert with_origin("estimator") == "an estimator, which `fcmae finetune values` makes"
    assert with_origin("pyramid") == "a pyramid"


def test_a_net_that_is_not_registered_is_described_by_class_and_encoder() -> None:
    description = describe(Counter(ARCH))
    assert (description["kind"], description["encoder"]) == ("module", "backbone")
    assert description["class"] == f"{__name__}.Counter"
    assert description["architecture"]["dims"] == (4, 4, 4, 8)
    with pytest.raises(OwnCodeError, match=r"test_kinds\.Counter is not rebuilt"):
        rebuild(description)
    assert describe(nn.Linear(2, 2)) == {
        "kind": "module",
        "class": "torch.nn.modules.linear.Linear",
    }


@pytest.mark.usefixtures("registered")
def test_a_registered_kind_is_rebuilt_from_its_fields() -> None:
    description = describe(Counter(ARCH, most=5))
    assert (description["kind"], description["most"]) == ("counter", 5)
    other = rebuild(description)
    assert isinstance(other, Counter)
    assert (other.most, other.backbone.architecture) == (5, ARCH)


@pytest.mark.usefixtures("registered")
def test_registering_later_rebuilds_what_was_saved_before() -> None:
    before = {**describe(Counter(ARCH)), "kind": "module"}
    del before["most"]
    assert isinstance(rebuild(before), Counter)


@pytest.mark.usefixtures("registered")
def test_a_subclass_is_a_net_of_its_own() -> None:
    class Other(Counter):
        pass

    class MyClassifier(Classifier):
        pass

    assert describe(Other(ARCH))["kind"] == "module"
    assert describe(MyClassifier(ARCH, num_classes=2))["kind"] == "module"


@pytest.mark.usefixtures("registered")
def test_registering_again_replaces_and_nothing_else_is_taken() -> None:
    fcmae.register("counter", Counter, describe=lambda model: {"most": 7})
    assert describe(Counter(ARCH))["most"] == 7
    with pytest.raises(ValueError, match=r"kind is 'counter', which stands for .*Counter already"):
        register("counter", nn.Linear)
    with pytest.raises(ValueError, match="kind is 'encoder', which stands for"):
        register("encoder", Counter)
    with pytest.raises(ValueError, match=r"Counter is registered as 'counter' already"):
        register("other", Counter)
    with pytest.raises(ValueError, match="kind is 'module', but must be a name"):
        register("module", nn.Linear)
    with pytest.raises(ValueError, match="kind is 'My net', but must be a name"):
        register("My net", nn.Linear)
    with pytest.raises(TypeError, match=r"but must be a class of torch\.nn\.Module"):
        inspect.unwrap(register)("integer", int)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"most": {1, 2}}, "describe of 'counter' gives what is not JSON"),
        ({"most": float("nan")}, "describe of 'counter' gives what is not JSON"),
        ({"class": "x"}, "gives class, a name that fcmae uses itself"),
    ],
)
@pytest.mark.usefixtures("registered")
def test_what_cannot_be_saved_of_a_kind_is_refused(fields: dict[str, object], says: str) -> None:
    register("counter", Counter, describe=lambda _: fields)
    with pytest.raises(ValueError, match=says):
        describe(Counter(ARCH))


def test_the_encoder_of_a_net_is_found_by_its_type() -> None:
    first, second = Encoder(ARCH), TimmEncoder(RESNET)
    assert encoder_in(first) == ("", first)
    assert encoder_in(nn.Sequential(nn.Sequential(nn.ReLU(), second), first)) == ("0.1", second)
    assert encoder_in(nn.ModuleDict({"teacher": second, "encoder": first})) == ("encoder", first)
    assert encoder_in(nn.Linear(2, 2)) is None


def test_a_name_stands_for_an_architecture() -> None:
    assert Encoder("femto").architecture == architecture("femto")
    assert Autoencoder("v1-atto").encoder.architecture == architecture("v1-atto")
    assert Classifier("pico", num_classes=2).encoder.architecture == architecture("pico")
    with torch.device("meta"):
        for model in (
            Segmenter("femto", num_classes=2),
            Detector("femto", num_classes=2),
            Estimator("femto", num_values=2, kind="labels"),
            Contraster("femto"),
        ):
            assert model.encoder.architecture == architecture("femto")
    with pytest.raises(ValueError, match=r"there is no model 'tinny'\. Did you mean tiny\?"):
        Encoder("tinny")


def test_a_model_that_fsdp_shards_stays_what_it_is() -> None:
    model = Classifier(ARCH, num_classes=2)
    before = describe(model)
    sharding = type("Sharding", (), {"__module__": "torch.distributed.fsdp._fully_shard"})
    name = {"__module__": "torch.distributed.fsdp._fully_shard"}
    model.__class__ = type("FSDPClassifier", (sharding, Classifier), name)  # as FSDP does
    assert describe(model) == before
