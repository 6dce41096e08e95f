"""Our own file, of the whole model or of a part of it."""

import json
from pathlib import Path

from torch import nn

from fcmae.checkpoint.weights import save_weights
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import FILES
from fcmae.exports.parts import take

FILE = FILES["safetensors"][0]
OF_WHOLE_MODELS = ("classes", "class_ids", "labels")
USES = {
    "classifier": "outputs = model(images)",
    "estimator": "outputs = model(images)",
    "segmenter": "outputs = model(images)",
    "detector": "outputs = model(images)",
    "encoder": "outputs = model(images).features",
    "pyramid": "outputs = model(images)",
    "autoencoder": "outputs = model.encoder(images).features",
}
"""What can be done with a model of each kind."""


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> None:
    """One file; its card is that of the weights, less what the part does not have."""
    whole = facts.part not in ("encoder", "pyramid", "autoencoder")
    gone = {"format", "model", *(() if whole else OF_WHOLE_MODELS)}
    card = {key: value for key, value in facts.card.to_json().items() if key not in gone}
    save_weights(folder / FILE, take(model, facts.part), card)


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that open the file."""
    return [
        "import fcmae",
        f"model = fcmae.load({json.dumps(str(folder / FILE))})",
        USES[facts.part],
    ]
