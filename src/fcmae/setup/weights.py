"""Reads the metadata of a weights file, before PyTorch is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fcmae.checkpoint.header import Header
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.resolve import Resolved, resolve
from fcmae.data.options import Loader
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.evaluation.options import Tiling
from fcmae.model.kinds import net_from, with_article, with_origin
from fcmae.model.options import SIZES, Architecture
from fcmae.model.timm_options import TimmArchitecture

ModelKind = str
"""Which model a file holds: a name of ``fcmae.model.kinds.KINDS``."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A weights file and what is known about it.

    Attributes:
        path: The file.
        kind: Which model it holds.
        net: What its encoder is: one of ours, or a net of timm.
        classes: Names of the classes of a model that tells some apart.
        class_ids: Numbers of a detector's classes in COCO files.
        size: Height and width of the images it was made for.
        short_side: What a segmenter's images were resized to, where they were.
        tiling: Windows that a detector looked through, where it did.
        mean: Mean of each channel, by which images are normalised; None where it is not known.
        std: Standard deviation of each channel.
        description: The model in full.
        header: What is needed to load them.
        lineage: Where they come from, oldest first.
        licences: Terms that what is made of them is under.
    """

    path: Path
    kind: ModelKind
    net: Architecture | TimmArchitecture
    classes: list[str] | None
    class_ids: list[int] | None
    size: tuple[int, int]
    short_side: int | None
    tiling: Tiling | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    description: dict[str, Any]
    header: Header
    lineage: list[dict[str, Any]]
    licences: list[str]

    @property
    def architecture(self) -> Architecture:
        """The encoder's, for all that only an encoder of ours can do.

        Raises:
            CheckpointError: It is a net of timm.
        """
        if isinstance(self.net, TimmArchitecture):
            raise CheckpointError(
                f"this command needs an encoder of ours, but {not_ours(self.net)}"
            )
        return self.net


def card(
    *,
    size: tuple[int, int],
    loader: Loader,
    channels: int,
    classes: tuple[str, ...] | None = None,
    weights: Weights | None = None,
) -> dict[str, Any]:
    """Metadata of a run's weights: their images, and the weights they came from."""
    fits = len(loader.mean) == channels
    mean = loader.mean if fits else (sum(loader.mean) / len(loader.mean),) * channels
    std = loader.std if fits else (sum(loader.std) / len(loader.std),) * channels
    facts: dict[str, Any] = {"size": list(size), "mean": list(mean), "std": list(std)}
    if weights is not None:
        facts |= {"lineage": weights.lineage}
        facts |= {"licence": "; ".join(weights.licences)} if weights.licences else {}
    return facts if classes is None else {**facts, "classes": list(classes)}


def read_weights(
    source: str | Path,
    *,
    kind: ModelKind | None = None,
    fetch: Source | None = None,
    reporter: Reporter | None = None,
) -> Weights:
    """Find or fetch weights, and check that what they say is of the kind needed.

    Args:
        source: Folder of a run, weights file, or name of published weights.
        kind: Which model a command needs.
        fetch: How to fetch published weights.
        reporter: Where to tell of a licence.
    """
    resolved = resolve(source, fetch)
    if reporter is not None:
        tell_licences(source, resolved, reporter)
    header, found = resolved.header, resolved.header.card
    try:
        model = found["model"]
        weights = Weights(
            path=header.path,
            kind=model["kind"],
            net=net_from(model["architecture"]),
            classes=found.get("classes"),
            class_ids=found.get("class_ids"),
            size=tuple(found.get("size", (224, 224))),
            short_side=found.get("short_side"),
            tiling=tiling_of(found),
            mean=tuple(found["mean"]) if "mean" in found else None,
            std=tuple(found["std"]) if "std" in found else None,
            description=model,
            header=header,
            lineage=resolved.lineage,
            licences=resolved.licences,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{header.path} was written by another version of fcmae: its card lacks or has a "
            f"strange {error}."
        ) from error
    net = weights.net
    if kind is not None and weights.kind != kind:
        raise CheckpointError(
            f"{source} holds {found.get('encoder_of') or with_article(weights.kind)}, but this "
            f"command needs {with_origin(kind)}."
            + (f" And {not_ours(net)}" if isinstance(net, TimmArchitecture) else "")
        )
    return weights


def tell_licences(source: str | Path, resolved: Resolved, reporter: Reporter) -> None:
    """Names the terms that weights, and what is made of them, are under, where they are known."""
    if resolved.licences:
        terms = " and ".join(resolved.licences)
        reporter.message(f"Licence of {source}: {terms}; it binds what is made of these weights.")


def tiling_of(card: Mapping[str, Any]) -> Tiling | None:
    """The windows that a detector's card names, if it does."""
    if not card.get("tile"):
        return None
    height, width = card["tile"]
    return Tiling(size=(height, width), overlap=card.get("tile_overlap", Tiling.overlap))


def tiling_facts(tiling: Tiling | None) -> dict[str, Any]:
    """Metadata of the windows that a detector looked through."""
    if tiling is None:
        return {}
    return {"tile": list(tiling.size), "tile_overlap": tiling.overlap}


def not_ours(net: TimmArchitecture) -> str:
    """Names the commands that take no net of timm."""
    return f"{net} is a net of timm, which contrast, cost, export and convert do not take."


def loader_of(weights: Weights, loader: Loader) -> Loader:
    """The loader with the normalisation that the weights were made with, where that is known."""
    if weights.mean is None or weights.std is None:
        return loader
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
