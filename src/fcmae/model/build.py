"""A model's description, as it is saved beside the weights, and the way back."""

from dataclasses import asdict
from typing import Any

from torch import nn

from fcmae.loss.options import Target
from fcmae.masking import Mask
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.detector import Detector
from fcmae.model.encoder import Encoder
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture, MaskRCNN, Projection, UPerNet, architecture_from
from fcmae.model.options import Decoder as DecoderOptions
from fcmae.model.pyramid import Pyramid
from fcmae.model.segmenter import Segmenter
from fcmae.model.timm_net import TimmClassifier, TimmEncoder
from fcmae.model.timm_options import TimmArchitecture

Description = dict[str, Any]


def describe(model: nn.Module) -> Description:  # noqa: PLR0911 - one for each model
    """Everything that ``rebuild`` needs, as JSON."""
    match model:
        case Autoencoder():
            return {
                "kind": "autoencoder",
                "architecture": asdict(model.encoder.architecture),
                "decoder": asdict(model.decoder.options),
                "mask": asdict(model.mask),
                "target": asdict(model.target),
            }
        case Classifier() | TimmClassifier():
            return {
                "kind": "classifier",
                "architecture": asdict(model.encoder.architecture),
                "num_classes": model.head.out_features,
            }
        case Contraster():
            return {
                "kind": "contraster",
                "architecture": asdict(model.encoder.architecture),
                "projection": asdict(model.projection),
            }
        case Estimator():
            return {
                "kind": "estimator",
                "architecture": asdict(model.encoder.architecture),
                "num_values": model.head.out_features,
                "values": model.kind,
            }
        case Segmenter():
            return {
                "kind": "segmenter",
                "architecture": asdict(model.encoder.architecture),
                "num_classes": model.num_classes,
                "head": asdict(model.options),
            }
        case Detector():
            return {
                "kind": "detector",
                "architecture": asdict(model.encoder.architecture),
                "num_classes": model.num_classes,
                "masks": model.masks,
                "head": asdict(model.options),
            }
        case Pyramid():
            return {
                "kind": "pyramid",
                "architecture": asdict(model.encoder.architecture),
                "stages": [int(stage) for stage in model.norms],
            }
        case Encoder() | TimmEncoder():
            return {"kind": "encoder", "architecture": asdict(model.architecture)}
    raise TypeError(f"{type(model).__name__} is not a model of fcmae.")


def rebuild(description: Description) -> nn.Module:  # noqa: PLR0911 - one for each model
    """A new model of this description, with fresh weights."""
    if "timm" in description["architecture"]:
        return _timm(description)
    architecture = architecture_from(description["architecture"])
    match description["kind"]:
        case "autoencoder":
            return Autoencoder(
                architecture,
                decoder=DecoderOptions(**description["decoder"]),
                mask=Mask(**description["mask"]),
                target=Target(**description["target"]),
            )
        case "classifier":
            return Classifier(architecture, num_classes=description["num_classes"])
        case "contraster":
            return Contraster(architecture, projection=Projection(**description["projection"]))
        case "estimator":
            return Estimator(
                architecture,
                num_values=description["num_values"],
                kind=description["values"],
            )
        case "segmenter":
            return Segmenter(
                architecture,
                num_classes=description["num_classes"],
                head=UPerNet(**description["head"]),
            )
        case "detector":
            return Detector(
                architecture,
                num_classes=description["num_classes"],
                masks=description["masks"],
                head=MaskRCNN(**description["head"]),
            )
        case "pyramid":
            return Pyramid(Encoder(architecture), stages=description["stages"])
        case "encoder":
            return Encoder(architecture)
    raise ValueError(f"{description['kind']!r} is not a kind of model that this version knows.")


def _timm(description: Description) -> nn.Module:
    architecture = TimmArchitecture.of(description["architecture"])
    if description["kind"] == "classifier":
        return TimmClassifier(architecture, num_classes=description["num_classes"])
    return TimmEncoder(architecture)


def new_encoder(net: Architecture | TimmArchitecture) -> Encoder | TimmEncoder:
    """An encoder with fresh weights: one of ours, or a net of timm."""
    return Encoder(net) if isinstance(net, Architecture) else TimmEncoder(net)
