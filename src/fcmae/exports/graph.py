"""A model as a graph for any number of images: what ONNX and ``torch.export`` share."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.export import Dim

from fcmae.exports.compare import Inputs, example
from fcmae.exports.facts import ExportFacts
from fcmae.kernels import choice


@contextmanager
def tracing() -> Iterator[None]:
    """Trace plain operations only, which every runtime knows, and without PyTorch's own remarks."""
    with choice.using("reference"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def takes_any_size(facts: ExportFacts) -> bool:
    """True if the graph takes images of other sizes; an autoencoder's places are of one."""
    return facts.part != "autoencoder"


def traced_example(facts: ExportFacts, *, any_size: bool) -> Inputs:
    """Inputs whose axes PyTorch takes for variable: none of them is 1, at no stage."""
    if facts.part == "autoencoder":
        return example(facts, batch=1, size=facts.size)
    stride = facts.architecture.stride
    size = facts.size
    if any_size:
        size = (max(size[0], 2 * stride), max(size[1], 2 * stride))
    return example(facts, batch=2, size=size)


def dynamic_shapes(facts: ExportFacts, *, any_size: bool) -> dict[str, Any] | None:
    """The axes of each input that may vary; none of an autoencoder, which takes one image."""
    if facts.part == "autoencoder":
        return None
    images: dict[int, Any] = {0: Dim("n")}
    if any_size:
        stride = facts.architecture.stride
        images |= {2: stride * Dim("rows"), 3: stride * Dim("columns")}
    return {"images": images}
