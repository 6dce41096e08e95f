from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from fcmae.data.batch import Batch
from fcmae.evaluation.embed import embed, pooled
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.detector import Detector
from fcmae.model.encoder import Encoder, encoder_of
from fcmae.model.estimator import Estimator
from fcmae.model.kinds import KINDS
from fcmae.model.options import Architecture, MaskRCNN, UPerNet
from fcmae.model.pyramid import Pyramid
from fcmae.model.segmenter import Segmenter

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))
MODELS: dict[str, Callable[[], nn.Module]] = {
    "autoencoder": lambda: Autoencoder(ARCH),
    "classifier": lambda: Classifier(ARCH, num_classes=2),
    "contraster": lambda: Contraster(ARCH),
    "detector": lambda: Detector(ARCH, num_classes=2, masks=False, head=MaskRCNN(width=16)),
    "encoder": lambda: Encoder(ARCH),
    "estimator": lambda: Estimator(ARCH, num_values=2, kind="numbers"),
    "pyramid": lambda: Pyramid(Encoder(ARCH)),
    "segmenter": lambda: Segmenter(ARCH, num_classes=2, head=UPerNet(width=16, auxiliary_width=16)),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_weights_of_every_kind_are_pooled_as_a_new_classifier_pools_them(kind: str) -> None:
    model, images = MODELS[kind](), torch.randn(2, 3, 32, 64)
    mean = encoder_of(model)(images).features.mean(dim=1)
    assert_close(pooled(model, images), F.layer_norm(mean, (8,), eps=1e-6))


@pytest.mark.parametrize("kind", ["classifier", "contraster", "estimator"])
def test_a_norm_that_has_learnt_something_is_part_of_the_features(kind: str) -> None:
    model, images = MODELS[kind](), torch.randn(2, 3, 32, 64)
    norm = model.get_submodule("norm")
    nn.init.constant_(norm.get_parameter("weight"), 3.0)
    mean = encoder_of(model)(images).features.mean(dim=1)
    assert_close(pooled(model, images), 3 * F.layer_norm(mean, (8,), eps=1e-6))


def test_each_image_has_a_vector() -> None:
    index = torch.tensor([3, 1])
    images = torch.randn(2, 3, 32, 32)
    batch = Batch(images=images, indices=index, repeats=torch.zeros_like(index))
    model = Classifier(ARCH, num_classes=2)
    out = embed(model, [batch])
    assert out.indices.tolist() == [1, 3]
    assert_close(out.rows, model.features(images.flip(0)).detach())


def test_a_model_without_an_encoder_is_an_error() -> None:
    with pytest.raises(TypeError, match="Linear has no encoder of ours: use a model of fcmae"):
        pooled(nn.Linear(2, 2), torch.zeros(1, 3, 32, 32))
