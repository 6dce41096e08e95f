"""A trained model, ready to be asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcmae.checkpoint.options import Rule, Source
from fcmae.checkpoint.resolve import resolve
from fcmae.cli.shared.console import Console
from fcmae.options.group import options_from
from fcmae.setup.weights import tell_licences

if TYPE_CHECKING:
    from torch import nn


def load(
    weights: str | Path,
    *,
    channels: int | None = None,
    adapt: Rule | None = None,
    source: Source | Mapping[str, Any] | None = None,
    model: "nn.Module | None" = None,
) -> "nn.Module":
    """A model in evaluation mode on the CPU, with ``predict(image)`` where it can.

    Args:
        weights: A run's folder, a file of weights of a known form, or the name of published ones:
            ``timm:NAME``, ``hf:OWNER/NAME``, ``official:NAME``, or an https address.
        channels: Channels of the images, where they are not those of the weights.
        adapt: How the stem becomes one for them: ``repeat`` or ``average``.
        source: How to fetch published weights: a dataclass or a mapping.
        model: A net of your own to fill, which has to be the one that was saved to the last tensor.
            A net whose class is registered (``fcmae.register``) needs none.

    Raises:
        CheckpointError: There are no such weights, they do not fit, or only your own code can make
            the net that they are of. Nothing that a file names is imported.
    """
    from fcmae.checkpoint.weights import load_model
    from fcmae.inference.predictor import with_predict

    resolved = resolve(weights, options_from(Source, source, "source"), whole=True)
    tell_licences(weights, resolved, Console())
    loaded = load_model(resolved.header, channels=channels, adapt=adapt, model=model)
    return with_predict(*loaded)
