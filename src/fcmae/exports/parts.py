"""A model, or a part of it, as tensors with names and as a module from tensors to tensors."""

from jaxtyping import Float
from torch import Tensor, nn

from fcmae.exports.options import ModelPart
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.encoder import Encoder, encoder_of
from fcmae.model.estimator import Estimator
from fcmae.model.layers import NORM_EPS
from fcmae.model.pyramid import LevelNorms, Pyramid
from fcmae.types import FeatureMap, Images, VisiblePatches

PartTensors = dict[str, Tensor]


def take(model: nn.Module, part: ModelPart) -> nn.Module:
    """The part of a model as a model of fcmae; weights are shared, not copied."""
    if part == "encoder":
        return encoder_of(model)
    return pyramid_of(model) if part == "pyramid" else model


def pyramid_of(model: nn.Module) -> Pyramid:
    """Its feature maps; their norms are those of the model, or new ones where it has none."""
    if isinstance(model, Pyramid):
        return model
    norms = dict(model.named_children()).get("norms")
    if not isinstance(norms, LevelNorms):
        return Pyramid(encoder_of(model)).eval()
    pyramid = Pyramid(encoder_of(model), stages=[int(i) for i in norms]).eval()
    pyramid.norms = norms
    return pyramid


def norm_of(model: nn.Module) -> nn.LayerNorm:
    """The norm of pooled features: the model's own, or that of a new classifier."""
    if isinstance(model, Classifier | Contraster | Estimator) and model.norm is not None:
        return model.norm
    return nn.LayerNorm(encoder_of(model).architecture.dims[-1], eps=NORM_EPS)


def tensors_of(model: nn.Module, part: ModelPart) -> PartTensors:
    """The weights of a part by our names, the encoder's with ``encoder.`` before them.

    An encoder comes with the norm of its pooled features, which other libraries have in it.
    """
    if part != "encoder":
        return dict(take(model, part).state_dict())
    encoder = encoder_of(model).state_dict(prefix="encoder.")
    return {**encoder, **norm_of(model).state_dict(prefix="norm.")}


def computing(model: nn.Module, part: ModelPart) -> tuple[nn.Module, list[str]]:
    """The part as a module from tensors to tensors, and the names of its outputs."""
    match part:
        case "classifier":
            return model, ["logits"]
        case "estimator":
            return model, ["values"]
        case "segmenter":
            return model, ["scores"]
        case "detector":
            raise TypeError("a detector is no function from tensors to tensors of known shapes.")
        case "encoder":
            return Embedding(encoder_of(model), norm_of(model)), ["features", "pooled"]
        case "autoencoder":
            assert isinstance(model, Autoencoder)
            return Painting(model), ["reconstruction"]
        case "pyramid":
            pyramid = pyramid_of(model)
            stem = pyramid.encoder.architecture.stem
            return pyramid, [f"stride{stem * 2 ** int(i)}" for i in pyramid.norms]


class Embedding(nn.Module):
    """The map of the last stage, and one vector per image as ``fcmae embed`` writes it.

    Args:
        encoder: The encoder.
        norm: The norm of pooled features.
    """

    def __init__(self, encoder: Encoder, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = norm

    def forward(self, images: Images) -> tuple[FeatureMap, Float[Tensor, "n d"]]:
        """Map and vector."""
        encoded = self.encoder(images)
        return encoded.layout.to_map(encoded.features), self.norm(encoded.features.mean(dim=1))


class Painting(nn.Module):
    """Images with the prediction pasted over their hidden patches.

    Args:
        model: The autoencoder.
    """

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Images, visible: VisiblePatches) -> Images:
        """Images, normalised as they were."""
        return self.model.pictures(images, visible).reconstruction
