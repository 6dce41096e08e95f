"""Kinds of models: the name of each in weights files, its description as JSON, and the way back.

A kind of fcmae is named in ``KINDS`` and nowhere else; ``fcmae.register`` adds to the same table.
Needs no PyTorch, so that the card of a weights file is checked before it is imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from fcmae.loss.options import Target
from fcmae.masking import Mask
from fcmae.model.options import (
    Architecture,
    DecoderOptions,
    MaskRCNN,
    Projection,
    UPerNet,
    architecture_from,
)
from fcmae.model.timm_options import TimmArchitecture

Net = Architecture | TimmArchitecture
Fields = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ModelKind:
    """A kind of model.

    Attributes:
        classes: Dotted names of its classes.
        describe: Makes the fields of a model beside the architecture of its encoder, JSON.
        rebuild: Makes a new model of the architecture and these fields, given by keyword.
        made_by: The command that trains it, if there is one.
        is_own: True if a user registered it.
    """

    classes: tuple[str, ...]
    describe: Fields
    rebuild: Callable[..., Any]
    made_by: str = ""
    is_own: bool = False


def no_fields(_: Any) -> dict[str, Any]:
    """Describes a model by its encoder alone."""
    return {}


def _kind(
    ours: str,
    timm: str | None = None,
    *,
    describe: Fields = no_fields,
    options: Mapping[str, type] | None = None,
    rebuild: Callable[..., Any] | None = None,
    made_by: str = "",
) -> ModelKind:
    """A kind of fcmae.

    Args:
        ours: Dotted name of its class around an encoder of ours, imported when it is rebuilt.
        timm: Dotted name of its class around a net of timm, if there is one.
        describe: Makes the fields.
        options: Dataclasses of the fields that are options.
        rebuild: Makes the model; by default the class itself, which takes the fields by keyword.
        made_by: The command that trains it.
    """
    options = options or {}

    def build(architecture: Net, **fields: Any) -> Any:
        name = ours if isinstance(architecture, Architecture) else timm
        if name is None:
            raise ValueError(f"there is no such model around {architecture}.")
        given = {
            field: options[field](**value) if field in options else value
            for field, value in fields.items()
        }
        return _imported(name)(architecture, **given)

    classes = (ours,) if timm is None else (ours, timm)
    return ModelKind(classes=classes, describe=describe, rebuild=rebuild or build, made_by=made_by)


def _imported(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def _estimator(architecture: Net, num_values: int, values: str) -> Any:
    estimator = _imported("fcmae.model.estimator.Estimator")
    return estimator(architecture, num_values=num_values, kind=values)


def _pyramid(architecture: Architecture, stages: list[int]) -> Any:
    encoder = _imported("fcmae.model.encoder.Encoder")(architecture)
    return _imported("fcmae.model.pyramid.Pyramid")(encoder, stages=stages)


KINDS: dict[str, ModelKind] = {
    "autoencoder": _kind(
        "fcmae.model.autoencoder.Autoencoder",
        "fcmae.model.net_autoencoder.NetAutoencoder",
        describe=lambda model: model.description(),
        options={"decoder": DecoderOptions, "mask": Mask, "target": Target},
        made_by="fcmae pretrain",
    ),
    "classifier": _kind(
        "fcmae.model.classifier.Classifier",
        "fcmae.model.timm_net.TimmClassifier",
        describe=lambda model: {"num_classes": model.head.out_features},
        made_by="fcmae finetune classify",
    ),
    "contraster": _kind(
        "fcmae.model.contraster.Contraster",
        describe=lambda model: {"projection": asdict(model.projection)},
        options={"projection": Projection},
        made_by="fcmae contrast",
    ),
    "detector": _kind(
        "fcmae.model.detector.Detector",
        "fcmae.model.detector.Detector",
        describe=lambda model: {
            "num_classes": model.num_classes,
            "masks": model.masks,
            "head": asdict(model.options),
        },
        options={"head": MaskRCNN},
        made_by="fcmae finetune detect",
    ),
    "encoder": _kind("fcmae.model.encoder.Encoder", "fcmae.model.timm_net.TimmEncoder"),
    "estimator": _kind(
        "fcmae.model.estimator.Estimator",
        describe=lambda model: {"num_values": model.head.out_features, "values": model.kind},
        rebuild=_estimator,
        made_by="fcmae finetune values",
    ),
    "pyramid": _kind(
        "fcmae.model.pyramid.Pyramid",
        describe=lambda model: {"stages": [int(stage) for stage in model.norms]},
        rebuild=_pyramid,
    ),
    "segmenter": _kind(
        "fcmae.model.segmenter.Segmenter",
        "fcmae.model.segmenter.Segmenter",
        describe=lambda model: {"num_classes": model.num_classes, "head": asdict(model.options)},
        options={"head": UPerNet},
        made_by="fcmae finetune segment",
    ),
}
"""Every kind by its name in weights files."""


def class_names(model: Any) -> list[str]:
    """Dotted names of a model's class and of those it derives from.

    FSDP gives a sharded module a class of its own, which is left out.
    """
    names = [f"{base.__module__}.{base.__qualname__}" for base in type(model).__mro__]
    return [name for name in names if not name.startswith("torch.distributed.fsdp.")]


def kind_of_class(name: str) -> str | None:
    """The kind of models of a class, given by its dotted name; None if it is not registered."""
    return next((kind for kind, known in KINDS.items() if name in known.classes), None)


def encoder_in(model: Any) -> tuple[str, Any] | None:
    """The encoder of a model by its type, ours or timm's, and its path there; None without one.

    Of several, the attribute called ``encoder`` counts, or else the first one.
    """
    known = set(KINDS["encoder"].classes)
    found = {
        path: module
        for path, module in model.named_modules()
        if not known.isdisjoint(class_names(module))
    }
    for path in ("", "encoder", *found):
        if path in found:
            return path, found[path]
    return None


def own_code(description: Mapping[str, Any]) -> str | None:
    """Names what in a description only a user's code can build; None if nothing is.

    That is a net of a class that is not of fcmae, or an autoencoder with such parts.
    """
    if "class" in description:
        return f"a net of the class {description['class']}"
    parts = {
        name: part["class"]
        for name, part in description.items()
        if isinstance(part, Mapping) and "class" in part
    }
    if not parts:
        return None
    own = " and ".join(f"{name} {of}" for name, of in parts.items())
    return f"{with_article(description['kind'])} with its own {own}"


def net_from(fields: Mapping[str, Any]) -> Net:
    """The encoder's architecture, one of ours or a net of timm, of fields as JSON has them."""
    if "timm" in fields:
        return TimmArchitecture.of(fields)
    return architecture_from(fields)


def with_article(kind: str) -> str:
    """The name of a kind with its article."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def with_origin(kind: str) -> str:
    """The name of a kind with its article, and the command that makes such models."""
    made_by = KINDS[kind].made_by
    return with_article(kind) + (f", which `{made_by}` makes" if made_by else "")
