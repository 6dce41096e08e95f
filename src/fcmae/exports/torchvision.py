"""torchvision, which has ConvNeXt V1 in four sizes."""

import json
from pathlib import Path

from torch import nn

from fcmae.checkpoint.formats.torchvision import TORCHVISION
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import FILES
from fcmae.exports.parts import tensors_of
from fcmae.exports.pickled import save
from fcmae.exports.timm import timm_name

FILE = FILES["torchvision"][0]


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> None:
    """One file, the weights under ``model``."""
    save(folder / FILE, TORCHVISION.write(tensors_of(model, facts.part)), facts)


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that open the file."""
    path = json.dumps(str(folder / FILE))
    classes = "" if facts.num_classes is None else f"num_classes={facts.num_classes}"
    # Both libraries have the names of the paper.
    found = [
        "import torch, torchvision",
        f"model = torchvision.models.{timm_name(facts.architecture)}({classes}).eval()",
        f'model.load_state_dict(torch.load({path}, weights_only=True)["model"])',
    ]
    if facts.part == "encoder":
        found.insert(2, "model.classifier[2] = torch.nn.Identity()")
    return found
