"""What a training starts from: a new model, with what weights have for it."""

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from torch import nn

from fcmae.checkpoint.options import Rule
from fcmae.checkpoint.weights import load_into
from fcmae.engine.report import Reporter
from fcmae.setup.weights import Kind, Weights


@runtime_checkable
class Options(Protocol):
    """The options that say what to start from."""

    @property
    def weights(self) -> str | None:
        """What was typed."""

    @property
    def adapt(self) -> Rule | None:
        """How the stem becomes one for other channels."""


def start_from(
    weights: Weights | None,
    model: nn.Module,
    options: Options,
    reporter: Reporter,
    *,
    without: Collection[str] = (),
) -> None:
    """Give a new model what fits it of the weights, if there are any, and tell what became of them.

    Args:
        weights: Where to start; None for a model from scratch.
        model: Drawn by the run's seed.
        options: What the weights were called, and how their stem is adapted.
        reporter: Where to tell.
        without: Parts of the model that stay new.
    """
    if weights is None:
        return
    report = load_into(model, weights.header, without=without, adapt=options.adapt)
    reporter.message("\n".join([f"Weights from {options.weights}", *report.lines()]))


def same_classes(weights: Weights | None, kind: Kind, classes: Collection[str]) -> bool:
    """True if weights are of a model of this kind for these classes, in this order.

    Where they do not name their classes, it must be as many.
    """
    if weights is None or weights.kind != kind:
        return False
    if weights.classes is None:
        return bool(weights.description["num_classes"] == len(classes))
    return weights.classes == list(classes)
