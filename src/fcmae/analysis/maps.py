"""The activation maps of single channels (figure 3 of the paper)."""

from math import isqrt

from jaxtyping import Float
from torch import Tensor, nn

from fcmae.analysis.blocks import BlockPlace, watching
from fcmae.errors import DataError
from fcmae.evaluation.forward import evaluating
from fcmae.types import Features, Images

Maps = Float[Tensor, "_ _ _"]
"""Channels, rows and columns, which are not those of the image."""


def activation_maps(model: nn.Module, place: BlockPlace, image: Images) -> Maps:
    """Every channel of a block's expanded features, or of its output where it expands nothing.

    Args:
        model: Is given the image; what it says is not looked at.
        place: The block.
        image: A single normalised image.
    """
    seen: list[Tensor] = []

    def note(index: int, features: Features) -> None:
        seen.append(features.detach().float().cpu())

    expands = place.contract is not None
    watched = {"expanded": note} if expands else {"output": note}
    with evaluating(model), watching([place], **watched):
        model(image)
    height, width = grid(seen[0].shape[1], image.shape[-2], image.shape[-1])
    return seen[0][0].T.reshape(-1, height, width)


def grid(positions: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a map over an image of this height and width in pixels."""
    rows = isqrt(positions * height // width)
    columns = positions // max(1, rows)
    if rows * columns != positions or rows * width != columns * height:
        raise DataError(
            f"{positions} positions are not a map of an image of {height} x {width} pixels."
        )
    return rows, columns
