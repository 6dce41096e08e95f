import pytest
import torch
from torch import nn

from fcmae.data.batch import Batch
from fcmae.evaluation.embed import embed, pooled
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.model.pyramid import Pyramid

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))


def test_an_encoder_is_pooled_as_a_new_classifier_pools_it() -> None:
    images = torch.randn(2, 3, 32, 64)
    classifier, autoencoder = Classifier(ARCH, num_classes=2), Autoencoder(ARCH)
    autoencoder.encoder = classifier.encoder
    expected = classifier.features(images)
    pyramid = Pyramid(classifier.encoder)
    for model in (classifier, autoencoder, classifier.encoder, pyramid):
        torch.testing.assert_close(pooled(model, images), expected)


def test_each_image_has_a_vector() -> None:
    index = torch.tensor([3, 1])
    images = torch.randn(2, 3, 32, 32)
    batch = Batch(images=images, indices=index, repeats=torch.zeros_like(index))
    model = Classifier(ARCH, num_classes=2)
    out = embed(model, [batch])
    assert out.indices.tolist() == [1, 3]
    torch.testing.assert_close(out.rows, model.features(images.flip(0)).detach())


def test_a_model_without_features_is_an_error() -> None:
    with pytest.raises(TypeError, match="Linear has no features to pool"):
        pooled(nn.Linear(2, 2), torch.zeros(1, 3, 32, 32))
