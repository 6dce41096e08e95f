"""What a weights file says about its model, checked before PyTorch is imported."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from fcmae.checkpoint.header import read_header
from fcmae.data.options import Loader
from fcmae.errors import CheckpointError
from fcmae.model.options import SIZES, Architecture

Kind = Literal["autoencoder", "classifier", "detector", "encoder", "estimator", "segmenter"]

NEEDS = {
    "autoencoder": "an autoencoder, which `fcmae pretrain` makes",
    "classifier": "a classifier, which `fcmae finetune classify` makes",
    "detector": "a detector, which `fcmae finetune detect` makes",
    "encoder": "an encoder",
    "estimator": "an estimator, which `fcmae finetune values` makes",
    "segmenter": "a segmenter, which `fcmae finetune segment` makes",
}


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A weights file and what is known about it.

    Attributes:
        path: The file.
        kind: Which model it holds.
        architecture: The encoder's.
        classes: Names of the classes of a model that tells some apart.
        class_ids: Numbers of a detector's classes in COCO files.
        size: Height and width of the images it was made for.
        mean: Mean of each channel, by which images are normalised.
        std: Standard deviation of each channel.
        description: The model in full.
    """

    path: Path
    kind: Kind
    architecture: Architecture
    classes: list[str] | None
    class_ids: list[int] | None
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    description: dict[str, Any]


def card(
    *, size: tuple[int, int], loader: Loader, channels: int, classes: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """What the weights of a run should say about the images they were made for."""
    fits = len(loader.mean) == channels
    mean = loader.mean if fits else (sum(loader.mean) / len(loader.mean),) * channels
    std = loader.std if fits else (sum(loader.std) / len(loader.std),) * channels
    facts = {"size": list(size), "mean": list(mean), "std": list(std)}
    return facts if classes is None else {**facts, "classes": list(classes)}


def read_weights(path: Path, *, kind: Kind | None = None) -> Weights:
    """Read what a weights file or a run's folder says, and check that it is of the kind needed."""
    header = read_header(path)
    found = header.card
    try:
        model = found["model"]
        fields = dict(model["architecture"])
        fields["depths"], fields["dims"] = tuple(fields["depths"]), tuple(fields["dims"])
        weights = Weights(
            path=header.path,
            kind=model["kind"],
            architecture=Architecture(**fields),
            classes=found.get("classes"),
            class_ids=found.get("class_ids"),
            size=tuple(found.get("size", (224, 224))),
            mean=tuple(found.get("mean", Loader.mean)),
            std=tuple(found.get("std", Loader.std)),
            description=model,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{header.path} was written by another version of fcmae: its card lacks or has a "
            f"strange {error}."
        ) from error
    if kind is not None and weights.kind != kind:
        raise CheckpointError(
            f"{path} holds {article(weights.kind)}, but this command needs {NEEDS[kind]}."
        )
    return weights


def loader_of(weights: Weights, loader: Loader) -> Loader:
    """The loader with the normalisation that the weights were made with."""
    own = (weights.mean, weights.std)
    if (loader.mean, loader.std) not in ((Loader.mean, Loader.std), own):
        raise ValueError(
            f"loader.mean is {loader.mean} and loader.std is {loader.std}, but the weights in "
            f"{weights.path} were made with {own[0]} and {own[1]}: leave both out."
        )
    return replace(loader, mean=weights.mean, std=weights.std)


def size_name(architecture: Architecture) -> str:
    """The name of an architecture, such as ``v1-tiny``; its numbers where it has no name."""
    for name, shape in SIZES.items():
        if shape == (architecture.depths, architecture.dims):
            return ("v1-" if architecture.version == 1 else "") + name
    return f"depths {architecture.depths}, widths {architecture.dims}"


def article(kind: str) -> str:
    """The kind of a model with its article."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
