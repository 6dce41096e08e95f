"""Reads timm's registry: names of networks and weights, licences, input sizes."""

from collections.abc import Mapping
from dataclasses import dataclass

import timm

from fcmae.checkpoint.formats.form import Shape
from fcmae.checkpoint.published import Published, unknown
from fcmae.errors import CheckpointError
from fcmae.flags import option
from fcmae.model.timm_options import PREFIX, TimmArchitecture

LICENCES = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
}
"""Spelled as the other published weights spell them; timm's own words for the rest."""


@dataclass(frozen=True, kw_only=True)
class TimmFacts:
    """Facts of timm about a network, or about weights for it.

    Attributes:
        repo: Repository on the hub; None where there is none.
        licence: Terms of the weights, where they are known.
        channels: Of the images.
        size: Height and width of the images.
        is_fixed: Whether the net is built for one size.
        mean: Of each channel.
        std: Of each channel.
        heads: Names of its linear classifiers, of which most nets have one.
        stems: Names of the convolutions that see the image.
        label_offset: Outputs of the classifier before those of the classes.
    """

    repo: str | None
    licence: str | None
    channels: int
    size: tuple[int, int]
    is_fixed: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    heads: tuple[str, ...]
    stems: tuple[str, ...]
    label_offset: int


def is_net(name: str) -> bool:
    """True if timm has a net of this name, and weights where the name has a tag."""
    if "." in name:
        return name in timm.list_pretrained()
    return timm.is_model(name)


def full_name(name: str) -> str:
    """The name of weights with its tag, which timm chooses where only the net is named.

    Raises:
        CheckpointError: timm has no weights of this name.
    """
    known = timm.list_pretrained()
    if name in known:
        return name
    if timm.is_model(name) and "." not in name:
        tag = getattr(timm.get_pretrained_cfg(name), "tag", "")
        tagged = f"{name}.{tag}"
        if tagged in known:
            return tagged
        raise CheckpointError(
            f"timm has no weights of {name}: {option('model', f'timm:{name}')} starts anew."
        )
    raise CheckpointError(unknown(PREFIX + name, known))


def facts_of(name: str) -> TimmFacts:
    """Looks up timm's facts about a network or weights."""
    known = timm.get_pretrained_cfg(name)
    if known is None:
        raise ValueError(f"timm {timm.__version__} has no net {name!r}.")
    repo, terms = known.hf_hub_id, known.license
    return TimmFacts(
        repo=repo if not repo or "/" in repo else f"timm/{repo}",
        licence=None if terms in (None, "unknown") else LICENCES.get(terms, terms),
        channels=known.input_size[0],
        size=known.input_size[1:],
        is_fixed=bool(known.fixed_input_size),
        mean=known.mean,
        std=known.std,
        heads=_names(known.classifier),
        stems=_names(known.first_conv),
        label_offset=known.label_offset or 0,
    )


def published(name: str) -> Published:
    """Weights of timm whose net stays timm's.

    Raises:
        CheckpointError: They are not on the hub.
    """
    facts = facts_of(name)
    if not facts.repo:
        raise CheckpointError(f"{PREFIX}{name} is not on the hub, from where weights are fetched.")
    told = {"size": facts.size, "mean": facts.mean, "std": facts.std, "licence": facts.licence}
    return Published(
        name=PREFIX + name,
        repo=facts.repo,
        facts={key: value for key, value in told.items() if value is not None},
        net=net_of(name),
    )


def net_of(name: str, channels: int | None = None) -> TimmArchitecture:
    """A net as its weights have it, perhaps for other channels.

    Raises:
        ValueError: timm has no net of this name.
    """
    if not is_net(name):
        nets = timm.list_pretrained() if "." in name else timm.list_models()
        raise ValueError(unknown(PREFIX + name, nets, "nets"))
    facts = facts_of(name)
    return TimmArchitecture(
        timm=name,
        channels=channels or facts.channels,
        size=facts.size if facts.is_fixed else None,
    )


def num_classes(name: str, shapes: Mapping[str, Shape]) -> int | None:
    """Classes that a file of these weights tells apart; None where it has no linear head."""
    facts = facts_of(name)
    if len(facts.heads) != 1:
        return None
    (layer,) = facts.heads
    weight, bias = shapes.get(f"{layer}.weight", ()), shapes.get(f"{layer}.bias", ())
    if len(weight) != 2 or bias != weight[:1]:
        return None
    return weight[0] - facts.label_offset


def _names(layers: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (layers,) if isinstance(layers, str) else tuple(layers or ())
