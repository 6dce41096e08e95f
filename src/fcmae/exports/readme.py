"""The model card: what a person who finds the files wants to know."""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from fcmae import __version__
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import ExportFormat, ModelPart

LIBRARY = {"timm": "timm", "huggingface": "transformers", "onnx": "onnx"}
WHAT = {
    "classifier": "A classifier",
    "estimator": "An estimator of several labels or numbers",
    "segmenter": "A segmenter (UPerNet)",
    "detector": "A detector (Mask R-CNN)",
    "encoder": "An encoder without a classifier",
    "pyramid": "An encoder with a norm for the feature map of each stage",
    "autoencoder": "A masked autoencoder: encoder and decoder",
}
GIVES = {
    "classifier": "Output: `logits`, images x {num_classes}, before softmax.",
    "estimator": "Output: `values`, images x {num_classes}: scores of labels before the sigmoid, "
    "or numbers in their own units.",
    "segmenter": "Output: `scores`, images x {num_classes} x height x width, before softmax.",
    "encoder": "Outputs: `features`, the map of the last stage, images x channels x rows x "
    "columns; `pooled`, one vector per image: mean over positions, then LayerNorm.",
    "pyramid": "Outputs: one map per stage, images x channels x rows x columns, largest first.",
    "autoencoder": "One image at a time. Input beside it: `visible`, int64, the raster indices of "
    "the patches that the encoder may see, ascending. Output: `reconstruction`, the images with "
    "the prediction pasted over hidden patches.",
}
TASKS: dict[ModelPart, str] = {
    "classifier": "image-classification",
    "segmenter": "image-segmentation",
    "detector": "object-detection",
}
MAX_LABELS = 1000
BICUBIC = "(bicubic with antialiasing)"


def readme(facts: ExportFacts, format: ExportFormat, lines: Sequence[str]) -> str:
    """The text of README.md, its head as model hubs read it."""
    sections = [
        f"# {facts.name}, {facts.part}",
        f"{WHAT[facts.part]}, {facts.name}, exported by fcmae {__version__} ({format}, "
        f"{facts.precision}).",
        "## Use\n```python\n" + "\n".join(lines) + "\n```",
        "## Input\n" + _input(facts),
    ]
    if format in ("onnx", "torch-export"):
        sections.append(GIVES[facts.part].format(num_classes=facts.num_classes))
    if facts.classes is not None:
        names = "\n".join(f"{i}. {name}" for i, name in enumerate(facts.classes[:MAX_LABELS]))
        title = "Values" if facts.part == "estimator" else "Classes"
        sections.append(f"## {title}\n{names}")
    sections.append("## Origin\n" + _origin(facts))
    sections.append("## Licence\n" + _licence(facts))
    return f"---\n{_head(facts, format)}---\n" + "\n\n".join(sections) + "\n"


def _head(facts: ExportFacts, format: ExportFormat) -> str:
    task = TASKS.get(facts.part, "image-feature-extraction")
    head: dict[str, Any] = {"tags": ["fcmae", "convnext"], "pipeline_tag": task}
    if format in LIBRARY:
        head["library_name"] = LIBRARY[format]
    if facts.licence is not None:
        # Hubs know licences by their names in small letters.
        licences = facts.licence.lower().split("; ")
        head["license"] = licences[0] if len(licences) == 1 else licences
    return yaml.safe_dump(head, sort_keys=False)


def _input(facts: ExportFacts) -> str:
    height, width = facts.size
    stride = facts.architecture.stride
    resize = f"resized to {height} x {width} pixels, whatever its shape {BICUBIC}"
    if facts.part in ("segmenter", "detector"):
        resize = f"of any size (it learnt from views of {height} x {width} pixels)"
    elif not facts.squash:
        share = f"{facts.crop_ratio:.1%}".replace(".0%", "%")
        resize = (
            f"resized so that a centre crop of {height} x {width} pixels is {share} of its "
            f"height or width {BICUBIC}"
        )
    return (
        f"Images, float32, images x {facts.architecture.channels} x height x width. Each is "
        f"{resize}, scaled to [0, 1] and normalised channel by channel:"
        f"\n\n- mean {_numbers(facts.mean)}\n- standard deviation {_numbers(facts.std)}\n\n"
        f"Other sizes must be multiples of {stride}."
    )


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _origin(facts: ExportFacts) -> str:
    if not facts.lineage:
        return "Not recorded."
    return f"```json\n{json.dumps(facts.lineage, indent=1)}\n```"


def _licence(facts: ExportFacts) -> str:
    if facts.licence is None:
        return "Not recorded: ask whoever trained the weights."
    return f"{facts.licence}. It holds for what is trained from these weights, too."
