"""ONNX: a graph for any number of images and any size, run by ONNX Runtime before it counts."""

import copy
import json
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

from fcmae.exports.compare import Inputs, difference
from fcmae.exports.facts import ExportFacts
from fcmae.exports.graph import dynamic_shapes, takes_any_size, traced_example, tracing
from fcmae.exports.options import FILES
from fcmae.exports.parts import computing

FILE = FILES["onnx"][0]
OPSET = 20
ONE_FILE = 1_500_000_000
"""Bytes of weights that still go into the same file: one file cannot have 2 GiB."""


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> float:
    """Export, run the file in ONNX Runtime, and compare with the model.

    Returns:
        The largest difference of the outputs.

    Raises:
        FcmaeError: The difference is above the tolerance.
    """
    module, names = computing(model, facts.part)
    exported = InHalf(module) if facts.precision == "float16" else module
    any_size = takes_any_size(facts)
    inputs = traced_example(facts, any_size=any_size)
    names_in = ["images", "visible"][: len(inputs)]
    with tracing():
        program = torch.onnx.export(
            exported,
            inputs,
            input_names=names_in,
            output_names=names,
            dynamic_shapes=dynamic_shapes(facts, any_size=any_size),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(facts.metadata())
    weights = sum(x.numel() * x.element_size() for x in exported.state_dict().values())
    program.save(folder / FILE, external_data=weights > ONE_FILE)
    return difference(module, Session(folder / FILE), facts, any_size=any_size)


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that run the file."""
    visible = ', "visible": visible' if facts.part == "autoencoder" else ""
    return [
        "import onnxruntime",
        f"session = onnxruntime.InferenceSession({json.dumps(str(folder / FILE))})",
        f'outputs = session.run(None, {{"images": images{visible}}})',
    ]


class InHalf(nn.Module):
    """A module that computes in float16 between inputs and outputs of float32.

    Args:
        module: Copied, not changed.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).half()

    def forward(self, images: Tensor) -> list[Tensor]:
        """The outputs in float32."""
        found = self.module(images.half())
        return [x.float() for x in ([found] if isinstance(found, Tensor) else found)]


class Session:
    """A file in ONNX Runtime on the CPU, called with tensors.

    Args:
        path: The ONNX file.
    """

    def __init__(self, path: Path) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def __call__(self, inputs: Inputs) -> list[Tensor]:
        """Every output."""
        names = [entry.name for entry in self.session.get_inputs()]
        given = {name: x.numpy() for name, x in zip(names, inputs, strict=True)}
        return [torch.from_numpy(x) for x in self.session.run(None, given)]
