"""From weights to the files of another library."""

from dataclasses import replace
from pathlib import Path

from fcmae.checkpoint.weights import load_model
from fcmae.cli.export.exported import Exported, ExportRequest
from fcmae.cli.shared.console import Console
from fcmae.exports.facts import facts_of
from fcmae.exports.write import export
from fcmae.setup.weights import Weights


def write(weights: Weights, asked: ExportRequest, out: Path, console: Console) -> Exported:
    """Write what was asked for, and say what was written."""
    model, card = load_model(weights.header)
    licence = "; ".join(weights.licences)
    told = replace(card, lineage=tuple(weights.lineage), licence=licence or card.licence)
    facts = facts_of(model, told, part=asked.part, size=asked.size, precision=asked.precision)
    if licence:
        console.message(f"The weights are under {licence}, and so is what is made of them.")
    if asked.format in ("onnx", "torch-export"):
        console.message("Tracing the model and comparing it with the original takes a minute.")
    written = export(model, facts, asked.format, out)
    return Exported(
        out=out,
        format=asked.format,
        model=facts.name,
        part=asked.part,
        files=written.files,
        difference=written.difference,
        lines=written.lines,
    )
