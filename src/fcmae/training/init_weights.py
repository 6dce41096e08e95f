"""Gives a new model the weights that a training starts from."""

from collections.abc import Collection
from typing import Any, TypeVar

from torch import nn

from fcmae.checkpoint.weights import load_into
from fcmae.model import unused
from fcmae.model.net_encoder import NetEncoder
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.unused import Use
from fcmae.training.options import TrainingOptions
from fcmae.training.start import Prepared

Model = TypeVar("Model", bound=nn.Module)


def freeze_unused(encoder: nn.Module, use: Use, start: Prepared) -> None:
    """Freezes the layers of a net that a task does not look at, and reports them.

    Args:
        encoder: The encoder; one of ours uses all of its layers.
        use: What the task takes of it.
        start: Who hears about them.
    """
    if isinstance(encoder, TimmEncoder | NetEncoder) and (
        names := unused.freeze_unused(encoder, use)
    ):
        layers = ", ".join(sorted({name.rpartition(".")[0] for name in names}))
        start.reporter.message(f"Not trained, as no map that is used needs it: {layers}.")


def init_weights(
    model: Model, options: TrainingOptions[Any], start: Prepared, *, new: Collection[str] = ()
) -> Model:
    """Loads what fits of the weights, if there are any, reports it, and returns the model.

    Args:
        model: Drawn by the run's seed.
        options: Name of the weights, and how their stem is adapted.
        start: The weights, and who hears about them.
        new: Parts of the model that stay new.
    """
    if start.weights is not None:
        report = load_into(model, start.weights.header, without=new, adapt=options.adapt)
        start.reporter.message("\n".join([f"Weights from {options.weights}", *report.lines()]))
    return model
