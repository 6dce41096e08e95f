"""Reads the metadata of a weights file, before PyTorch is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fcmae.checkpoint.card import Card
from fcmae.checkpoint.header import Header
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.resolve import Resolved, resolve
from fcmae.data.options import Loader
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.model.kinds import with_article, with_origin
from fcmae.model.options import SIZES, Architecture
from fcmae.model.tiling import Tiling
from fcmae.model.timm_options import TimmArchitecture

ModelKind = str
"""Which model a file holds: a name of ``fcmae.model.kinds.KINDS``."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A weights file that was found, and what its card says.

    Attributes:
        header: What is needed to load them.
        net: The encoder: one of ours, or a net of timm.
        lineage: Where they come from, oldest first.
        licences: Terms that what is made of them is under.
    """

    header: Header
    net: Architecture | TimmArchitecture
    lineage: list[Mapping[str, Any]]
    licences: list[str]

    @property
    def path(self) -> Path:
        """The file."""
        return self.header.path

    @property
    def card(self) -> Card:
        """Metadata of the file."""
        return self.header.card

    @property
    def kind(self) -> ModelKind:
        """Kind of the model."""
        return self.card.kind

    @property
    def description(self) -> Mapping[str, Any]:
        """The model in full."""
        return self.card.model

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes of a model that tells some apart."""
        return None if self.card.classes is None else list(self.card.classes)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images that the model was made for."""
        return self.card.image_size

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
    if loader.nodata is not None:
        facts["nodata"] = loader.nodata
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
    header, net = resolved.header, resolved.header.card.net
    if net is None:
        raise CheckpointError(f"{header.path} describes a model without an encoder of fcmae.")
    weights = Weights(header=header, net=net, lineage=resolved.lineage, licences=resolved.licences)
    if kind is not None and weights.kind != kind:
        raise CheckpointError(
            f"{source} holds {header.card.encoder_of or with_article(weights.kind)}, but this "
            f"command needs {with_origin(kind)}."
            + (f" And {not_ours(net)}" if isinstance(net, TimmArchitecture) else "")
        )
    return weights


def tell_licences(source: str | Path, resolved: Resolved, reporter: Reporter) -> None:
    """Names the terms that weights, and what is made of them, are under, where they are known."""
    if resolved.licences:
        terms = " and ".join(resolved.licences)
        reporter.message(f"Licence of {source}: {terms}; it binds what is made of these weights.")


def tiling_facts(tiling: Tiling | None) -> dict[str, Any]:
    """Metadata of the windows that a detector looked through."""
    if tiling is None:
        return {}
    return {"tile": list(tiling.size), "tile_overlap": tiling.overlap}


def not_ours(net: TimmArchitecture) -> str:
    """Names the commands that take no net of timm."""
    return f"{net} is a net of timm, which contrast, cost, export and convert do not take."


def loader_of(weights: Weights, loader: Loader) -> Loader:
    """The loader with the statistics that the weights were made with, where they are known."""
    mean, std = weights.card.mean, weights.card.std
    if loader.nodata is None:
        loader = replace(loader, nodata=weights.card.nodata)
    if mean is None or std is None:
        return loader
    if (loader.mean, loader.std) not in ((Loader.mean, Loader.std), (mean, std)):
        raise ValueError(
            f"loader.mean is {loader.mean} and loader.std is {loader.std}, but the weights in "
            f"{weights.path} were made with {mean} and {std}: leave both out."
        )
    return replace(loader, mean=mean, std=std)


def size_name(architecture: Architecture) -> str:
    """The name of an architecture, such as ``v1-tiny``; its numbers where it has no name."""
    for name, shape in SIZES.items():
        if shape == (architecture.depths, architecture.dims):
            return ("v1-" if architecture.version == 1 else "") + name
    return f"depths {architecture.depths}, widths {architecture.dims}"
