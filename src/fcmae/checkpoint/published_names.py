"""Finds published weights by their name."""

from fcmae.checkpoint.published import (
    HUGGING_FACE,
    OFFICIAL,
    OFFICIAL_FILES,
    TIMM,
    Published,
    unknown,
)
from fcmae.errors import CheckpointError


def named(source: str) -> Published | None:
    """Parses a name such as ``timm:convnextv2_tiny.fcmae``; None for a path.

    Raises:
        CheckpointError: There is nothing of this name.
    """
    place, colon, name = source.partition(":")
    if not colon:
        return None
    if place == "hf":
        repo, _, revision = name.partition("@")
        facts = HUGGING_FACE.get(repo, {})
        return Published(name=source, repo=repo, revision=revision or None, facts=facts)
    if place in ("http", "https"):
        return Published(name=source, url=source)
    if place not in ("timm", "official"):
        return None
    if place == "timm":
        return _of_timm(name)
    if name not in OFFICIAL_FILES:
        raise CheckpointError(unknown(source, OFFICIAL_FILES))
    file, facts = OFFICIAL_FILES[name]
    return Published(name=source, url=OFFICIAL + file, facts=facts)


def _of_timm(name: str) -> Published:
    """Weights of timm: those of a ConvNeXt become ours, every other net is built by timm."""
    if name in TIMM:
        return Published(name=f"timm:{name}", repo=f"timm/{name}", facts=TIMM[name])
    from fcmae.checkpoint.timm_names import full_name, published  # timm is slow to import

    full = full_name(name)
    return _of_timm(full) if full in TIMM else published(full)
