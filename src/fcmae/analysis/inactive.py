"""Dead and saturated maps: channels that tell no position of an image from another (figure 3).

A map is one channel of a block's expanded features in one image. Both names are relative to what
the whole block does in that image, because a GELU that is switched off does not give zero but
something between -0.17 and 0, and GRN scales and shifts what comes after it.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from fcmae.types import Features

DEAD = 0.05
"""A map is dead where no value is larger than this share of the block's root mean square."""

SATURATED = 0.1
"""A map is saturated where its standard deviation is at most this share of its mean."""

MapFlags = Bool[Tensor, "n c"]


def dead_maps(features: Features) -> MapFlags:
    """True if no absolute value of the map exceeds ``DEAD`` times the block's root mean square.

    The root mean square is over all positions and channels of the same image.
    """
    x = features.float()
    scale: Float[Tensor, " n"] = x.square().mean(dim=(1, 2)).sqrt()
    return x.abs().amax(dim=1) <= DEAD * scale[:, None]


def saturated_maps(features: Features) -> MapFlags:
    """True if the map is not dead and nearly the same everywhere.

    That is, its standard deviation over positions is at most ``SATURATED`` times its absolute mean.
    A map of a single position cannot vary, so none of those is called saturated.
    """
    x = features.float()
    if x.shape[1] == 1:
        return dead_maps(features).zero_().bool()
    flat = x.std(dim=1, correction=0) <= SATURATED * x.mean(dim=1).abs()
    return flat & ~dead_maps(features)
