"""Tells whether the features of all images are alike."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.flags import option

ALIKE = 1e-3
"""Mean cosine distance between images below which their features tell nothing apart; untrained
encoders have 0.3 and more, and rounding alone makes 1e-5."""


def image_distance(features: Float[Tensor, "n d"]) -> float | None:
    """Mean cosine distance (1 - cos) over all pairs of different images; None of less than two."""
    count = len(features)
    if count < 2:
        return None
    directions = F.normalize(features.double(), dim=1)
    own = float(directions.square().sum())
    return 1 - (float(directions.sum(dim=0).square().sum()) - own) / (count * (count - 1))


def remarks_on(distance: float | None) -> tuple[str, ...]:
    """A sentence for a person where features of this mean distance are all alike; else none."""
    if distance is None or distance >= ALIKE:
        return ()
    return (
        f"The features of all images are alike (mean cosine distance {max(distance, 0):.1g}): the "
        "model tells no image from another. Look at the values of their channels with `fcmae "
        f"check`, and at {option('loader.statistics')}.",
    )
