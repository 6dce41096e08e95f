"""One vector per image."""

from collections.abc import Iterable

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.data.batch import Batch
from fcmae.evaluation.forward import Outputs, forward
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.encoder import encoder_of
from fcmae.model.estimator import Estimator
from fcmae.model.layers import NORM_EPS
from fcmae.model.net_encoder import NetEncoder
from fcmae.model.timm_net import TimmClassifier, TimmEncoder
from fcmae.process_group import Peers
from fcmae.types import Images


def embed(model: nn.Module, batches: Iterable[Batch], peers: Peers | None = None) -> Outputs:
    """The features of every image, as ``pooled`` makes them."""
    return forward(lambda images: pooled(model, images), model, batches, peers or Peers())


def pooled(model: nn.Module, images: Images) -> Float[Tensor, "n d"]:
    """Pools features as a classifier's head does: mean over positions, then LayerNorm.

    Models whose encoder has no such norm get that of a new classifier. A net of timm pools in its
    own way, a net of the user's own by the mean over positions.

    Raises:
        TypeError: The model is none of fcmae.
    """
    match model:
        case Classifier() | Contraster() | Estimator() | TimmClassifier():
            return model.features(images)
    encoder = getattr(model, "encoder", model)
    if isinstance(encoder, TimmEncoder | NetEncoder):
        return encoder.pooled(images)
    mean = encoder_of(model)(images).features.mean(dim=1)
    return F.layer_norm(mean, mean.shape[1:], eps=NORM_EPS)
