"""``torch.export``: a program that PyTorch runs without fcmae, for any batch and size."""

import json
from pathlib import Path

import torch
from torch import nn

from fcmae.exports.compare import difference, outputs
from fcmae.exports.facts import ExportFacts
from fcmae.exports.graph import dynamic_shapes, takes_any_size, traced_example, tracing
from fcmae.exports.options import FILES
from fcmae.exports.parts import computing

FILE = FILES["torch-export"][0]
NOTES = "facts.json"


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> float:
    """Export, load the file again, and compare with the model.

    Returns:
        The largest difference of the outputs.

    Raises:
        FcmaeError: The difference is above the tolerance.
    """
    module, _ = computing(model, facts.part)
    any_size = takes_any_size(facts)
    with tracing():
        exported = torch.export.export(
            module,
            traced_example(facts, any_size=any_size),
            dynamic_shapes=dynamic_shapes(facts, any_size=any_size),
        )
        notes = {NOTES: json.dumps(facts.told())}
        torch.export.save(exported, folder / FILE, extra_files=notes)
        program = torch.export.load(folder / FILE).module()
    return difference(module, lambda inputs: outputs(program, inputs), facts, any_size=any_size)


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that run the file."""
    visible = ", visible" if facts.part == "autoencoder" else ""
    return [
        "import torch",
        f"program = torch.export.load({json.dumps(str(folder / FILE))}).module()",
        f"outputs = program(images{visible})",
    ]
