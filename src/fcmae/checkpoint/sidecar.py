"""Reads the configuration files beside a weights file: classes, size, normalisation."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fcmae.errors import CheckpointError
from fcmae.model.timm_options import TimmArchitecture

NAMES = ("config.json", "preprocessor_config.json")
MAX_BYTES = 4 * 2**20


def read_sidecar(path: Path) -> dict[str, Any]:
    """Facts by the names of our cards, where Hugging Face or timm wrote them.

    They are not checked here: whoever takes them holds them against the weights.
    """
    config, images = (_read(path.with_name(name)) for name in NAMES)
    labels = config.get("id2label", {})
    timm = config.get("pretrained_cfg", {})
    timm = timm if isinstance(timm, Mapping) else {}
    size = images.get("size", timm.get("input_size"))
    found = {
        "classes": _in_order(labels) or config.get("label_names"),
        "size": _sides(size),
        "mean": images.get("image_mean", timm.get("mean")),
        "std": images.get("image_std", timm.get("std")),
    }
    return {name: value for name, value in found.items() if value is not None}


def sidecar_net(path: Path) -> TimmArchitecture | None:
    """The net of timm whose name timm wrote beside the weights.

    Raises:
        CheckpointError: It was built with arguments of its own.
    """
    config = _read(path.with_name("config.json"))
    name, facts = config.get("architecture"), config.get("pretrained_cfg")
    if not isinstance(name, str) or not isinstance(facts, Mapping):
        return None
    from fcmae.checkpoint.timm_names import is_net, net_of

    tagged = f"{name}.{facts.get('tag')}"
    known = next((full for full in (tagged, name) if is_net(full)), None)
    if known is None:
        return None
    if config.get("model_args"):
        raise CheckpointError(
            f"{path} holds the net {name} of timm, built with arguments of its own "
            f"({', '.join(map(str, config['model_args']))}), which are not taken here."
        )
    return net_of(known)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _in_order(labels: Any) -> list[Any] | None:
    """Names by their numbers, where there are names rather than stand-ins for them."""
    if not isinstance(labels, dict) or any(str(x).startswith("LABEL_") for x in labels.values()):
        return None
    found = [labels.get(str(i)) for i in range(len(labels))]
    return None if not found or None in found else found


def _sides(size: Any) -> list[Any] | None:
    """Height and width, which each library writes in its own way."""
    match size:
        case {"shortest_edge": side}:
            return [side, side]
        case {"height": height, "width": width}:
            return [height, width]
        case [_, height, width]:
            return [height, width]
    return None
