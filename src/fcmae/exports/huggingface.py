"""Hugging Face transformers: a folder that ``from_pretrained`` opens."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from fcmae.checkpoint.formats.huggingface import HUGGINGFACE
from fcmae.checkpoint.tensors import write_tensors
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import FILES
from fcmae.exports.parts import tensors_of
from fcmae.model.layers import NORM_EPS

FILE = FILES["huggingface"][0]
CLASSES = {
    "classifier": ("{}ForImageClassification", "AutoModelForImageClassification"),
    "encoder": ("{}Model", "AutoModel"),
    "pyramid": ("{}Backbone", "{}Backbone"),
}
"""The class of each part, and the one that finds it."""


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> None:
    """Weights, ``config.json``, and preprocessing that gives the pixels that fcmae gives."""
    inner = f"{_model_type(facts)}." if facts.part == "classifier" else ""
    tensors = HUGGINGFACE.write(tensors_of(model, facts.part), inner)
    # transformers refuses files that do not say that PyTorch wrote them.
    write_tensors(folder / FILE, tensors, {**facts.metadata(), "format": "pt"})
    _write_json(folder / "config.json", config(facts))
    if (found := preprocessing(facts)) is not None:
        _write_json(folder / "preprocessor_config.json", found)


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that open the folder."""
    auto, place = CLASSES[facts.part][1].format(_family(facts)), json.dumps(str(folder))
    if preprocessing(facts) is None:
        return [f"from transformers import {auto}", f"model = {auto}.from_pretrained({place})"]
    return [
        f"from transformers import AutoImageProcessor, {auto}",
        f"processor = AutoImageProcessor.from_pretrained({place})",
        f"model = {auto}.from_pretrained({place})",
    ]


def config(facts: ExportFacts) -> dict[str, Any]:
    """The model, as transformers describes it."""
    arch = facts.architecture
    height, width = facts.size
    found = {
        "architectures": [CLASSES[facts.part][0].format(_family(facts))],
        "model_type": _model_type(facts),
        "num_channels": arch.channels,
        "patch_size": arch.stem,
        "num_stages": len(arch.depths),
        "hidden_sizes": list(arch.dims),
        "depths": list(arch.depths),
        "hidden_act": "gelu",
        "initializer_range": 0.02,
        # transformers' own default is 1e-12, which changes the logits.
        "layer_norm_eps": NORM_EPS,
        "drop_path_rate": 0.0,
        "image_size": height if height == width else [height, width],
        "dtype": "float32",
    }
    if facts.part == "classifier":
        found["id2label"] = {str(i): label for i, label in enumerate(facts.labels)}
        found["label2id"] = {label: i for i, label in enumerate(facts.labels)}
    if facts.part == "pyramid":
        found["out_features"] = [f"stage{i + 1}" for i in facts.stages or ()]
    return found


def preprocessing(facts: ExportFacts) -> dict[str, Any] | None:
    """Resize, crop and normalisation; None where transformers has no such rule."""
    height, width = facts.size
    if facts.architecture.channels != 3 or (height != width and not facts.squash):
        return None
    common = {
        "do_resize": True,
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(facts.mean),
        "image_std": list(facts.std),
    }
    if facts.squash:
        size = {"height": height, "width": width}
        return {"image_processor_type": "ViTImageProcessor", "size": size, **common}
    crop = {"size": {"shortest_edge": height}, "crop_pct": facts.crop_ratio}
    return {"image_processor_type": "ConvNextImageProcessor", **crop, **common}


def _family(facts: ExportFacts) -> str:
    return "ConvNextV2" if facts.architecture.version == 2 else "ConvNext"


def _model_type(facts: ExportFacts) -> str:
    return _family(facts).lower()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
