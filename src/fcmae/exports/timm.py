"""timm: weights and a ``config.json`` that ``create_model("local-dir:...")`` opens."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from fcmae.checkpoint.formats.timm import TIMM, TIMM_CONV_MLP
from fcmae.checkpoint.tensors import write_tensors
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import FILES, named
from fcmae.exports.parts import tensors_of
from fcmae.model.options import Architecture

FILE = FILES["timm"][0]
CONV_MLP = ("atto", "femto", "pico", "nano")
"""Sizes whose blocks have 1 x 1 convolutions in timm where others have linear layers."""
UNKNOWN = ("v1-huge", "xlarge", None)
"""Sizes that timm has no name for: they are a base of other depths and widths."""


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> None:
    """Weights and configuration."""
    size = (named(facts.architecture) or "").removeprefix("v1-")
    format = TIMM_CONV_MLP if size in CONV_MLP else TIMM
    tensors = format.write(tensors_of(model, facts.part))
    write_tensors(folder / FILE, tensors, {**facts.metadata(), "format": "pt"})
    text = json.dumps(config(facts), indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that open the folder."""
    place = json.dumps(f"local-dir:{folder}")
    return [
        "import timm",
        f"model = timm.create_model({place}, pretrained=True).eval()",
        "transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))",
    ]


def config(facts: ExportFacts) -> dict[str, Any]:
    """The model, as timm describes those on the Hugging Face hub."""
    arch = facts.architecture
    input_size = [arch.channels, *facts.size]
    found = {
        "architecture": timm_name(arch),
        "num_classes": facts.num_classes or 0,
        "num_features": arch.dims[-1],
        "global_pool": "avg",
        "model_args": _arguments(arch),
        "pretrained_cfg": {
            "input_size": input_size,
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": facts.crop_ratio,
            "crop_mode": "squash" if facts.squash else "center",
            "mean": list(facts.mean),
            "std": list(facts.std),
            "num_classes": facts.num_classes or 0,
            "pool_size": [side // arch.stride for side in facts.size],
            "first_conv": "stem.0",
            "classifier": "head.fc",
            "license": facts.licence,
        },
    }
    return {**found, "label_names": list(facts.classes)} if facts.classes else found


def timm_name(architecture: Architecture) -> str:
    """The name of a model in timm, the nearest if it has none of its own."""
    name = named(architecture)
    size = "base" if name in UNKNOWN else str(name).removeprefix("v1-")
    return f"convnext{'v2' if architecture.version == 2 else ''}_{size}"


def _arguments(architecture: Architecture) -> dict[str, Any]:
    """Arguments in which the model differs from timm's of that name."""
    found: dict[str, Any] = {"in_chans": architecture.channels}
    if named(architecture) in UNKNOWN:
        found |= {"depths": list(architecture.depths), "dims": list(architecture.dims)}
    if architecture.stem != 4:
        found["patch_size"] = architecture.stem
    return found
