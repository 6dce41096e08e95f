"""A trained model, ready to be asked."""

from pathlib import Path
from typing import TYPE_CHECKING

from fcmae.checkpoint.options import Rule, Source
from fcmae.cli.shared.console import Console
from fcmae.setup.weights import read_weights

if TYPE_CHECKING:
    from torch import nn


def load(
    weights: str | Path,
    *,
    channels: int | None = None,
    adapt: Rule | None = None,
    source: Source | None = None,
) -> "nn.Module":
    """A model in evaluation mode on the CPU, with ``predict(image)`` where it can.

    Args:
        weights: A run's folder, a file of weights of a known form, or the name of published ones:
            ``timm:NAME``, ``hf:OWNER/NAME``, ``official:NAME``, or an https address.
        channels: Channels of the images, where they are not those of the weights.
        adapt: How the stem becomes one for them: ``repeat`` or ``average``.
        source: How to fetch published weights.
    """
    from fcmae.checkpoint.weights import load_model
    from fcmae.inference.predictor import with_predict

    header = read_weights(weights, fetch=source, reporter=Console()).header
    return with_predict(*load_model(header, channels=channels, adapt=adapt))
