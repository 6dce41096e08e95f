"""A model's description, as it is saved beside the weights, and the way back."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from torch import nn

from fcmae.model.encoder import Encoder
from fcmae.model.kinds import (
    KINDS,
    ModelKind,
    class_names,
    encoder_in,
    kind_of_class,
    net_from,
    no_fields,
    own_code,
)
from fcmae.model.options import Architecture
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture

Description = dict[str, Any]
"""A model as JSON: its ``kind``, the ``architecture`` of its encoder, and the fields of the kind.

Kinds of users add the ``class`` by its dotted name, and the path of the ``encoder`` in the model.
"""

MODULE = "module"
"""The kind of every model whose class is not registered."""

RESERVED = ("kind", "class", "architecture", "encoder")
"""Fields that no kind may have for its own."""

Model = TypeVar("Model", bound=nn.Module)


class OwnCodeError(ValueError):
    """A description that only code of a user's own can rebuild: of a class, or of such parts."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not rebuilt without its own code")


def register(
    kind: str,
    model_class: type[Model],
    *,
    describe: Callable[[Model], Mapping[str, Any]] = no_fields,
    rebuild: Callable[..., Model] | None = None,
) -> None:
    """Give a class of models a name in weights files, and ``fcmae.load`` the way to rebuild it.

    Call it before training and before loading: nothing that a file names is ever imported.

    Args:
        kind: The name, of small letters, digits and hyphens.
        model_class: The class; models of a subclass are not of this kind.
        describe: Makes of a model the JSON fields that ``rebuild`` takes; none by default.
        rebuild: Makes a new model. It gets the fields by keyword, and as ``architecture`` that of
            the model's encoder, if it has one of fcmae. By default the class itself.

    Raises:
        ValueError: The name or the class is taken, or the name is none.
        TypeError: The class is not one of ``torch.nn.Module``.
    """
    if not (isinstance(model_class, type) and issubclass(model_class, nn.Module)):
        raise TypeError(f"model_class is {model_class!r}, but must be a class of torch.nn.Module.")
    name = _dotted(model_class)
    if not re.fullmatch(r"[a-z][a-z0-9-]*", kind) or kind == MODULE:
        raise ValueError(
            f"kind is {kind!r}, but must be a name of small letters, digits and hyphens, and not "
            f"{MODULE!r}."
        )
    if kind in KINDS and KINDS[kind].classes != (name,):
        raise ValueError(
            f"kind is {kind!r}, which stands for {KINDS[kind].classes[0]} already: choose another."
        )
    if kind_of_class(name) not in (None, kind):
        raise ValueError(f"{name} is registered as {kind_of_class(name)!r} already.")
    KINDS[kind] = ModelKind(
        classes=(name,), describe=describe, rebuild=rebuild or model_class, is_own=True
    )


def describe(model: nn.Module) -> Description:
    """Everything that ``rebuild`` needs, as JSON.

    A model whose class is not registered is of the kind ``module``, told by its class alone.

    Raises:
        ValueError: What a registered kind says of the model is not JSON, or uses reserved names.
    """
    name = class_names(model)[0]
    kind = kind_of_class(name)
    known = None if kind is None else KINDS[kind]
    description: Description = {"kind": kind or MODULE}
    if known is None or known.is_own:
        description["class"] = name
    if found := encoder_in(model):
        path, encoder = found
        description["architecture"] = asdict(encoder.architecture)
        if known is None or known.is_own:
            description["encoder"] = path
    if known is None:
        return description
    fields = dict(known.describe(model))
    if known.is_own:
        _check_fields(kind or "", fields)
    return {**description, **fields}


def rebuild(description: Description) -> nn.Module:
    """A new model of this description, with fresh weights.

    Raises:
        OwnCodeError: Its class is not registered, or it has parts that are not of fcmae.
        ValueError: It is of no kind that this version knows.
    """
    kind = description["kind"]
    if kind not in KINDS and "class" in description:
        kind = kind_of_class(description["class"])
    known, what = KINDS.get(kind), own_code(description)
    if what is not None and (known is None or not known.is_own):
        raise OwnCodeError(what)
    if known is None:
        raise ValueError(f"{kind!r} is not a kind of model that this version knows.")
    fields = {name: value for name, value in description.items() if name not in RESERVED}
    if "architecture" in description:
        fields["architecture"] = net_from(description["architecture"])
    model: nn.Module = known.rebuild(**fields)
    return model


def new_encoder(net: Architecture | TimmArchitecture) -> Encoder | TimmEncoder:
    """An encoder with fresh weights: one of ours, or a net of timm."""
    return Encoder(net) if isinstance(net, Architecture) else TimmEncoder(net)


def _check_fields(kind: str, fields: Mapping[str, Any]) -> None:
    """Refuse what cannot be saved of a registered kind."""
    if taken := sorted(set(fields) & set(RESERVED)):
        raise ValueError(f"describe of {kind!r} gives {taken[0]}, a name that fcmae uses itself.")
    try:
        json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"describe of {kind!r} gives what is not JSON: {error}.") from error


def _dotted(model_class: type) -> str:
    return f"{model_class.__module__}.{model_class.__qualname__}"
