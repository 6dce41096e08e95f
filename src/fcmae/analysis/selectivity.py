"""Measures the class selectivity of channels (figure 7 of the paper)."""

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.types import Features, Labels


def activity(features: Features) -> Float[Tensor, "n c"]:
    """Activity of each channel in each image: the mean over positions of the positive part.

    The index was made for activations that are never negative (Morcos et al., 2018). The outputs
    of a ConvNeXt block have either sign, so what is negative counts as not active.
    """
    return features.float().clamp(min=0).mean(dim=1)


def class_means(active: Float[Tensor, "n c"], labels: Labels) -> Float[Tensor, "classes c"]:
    """The mean activity of each channel over the images of each class that has any."""
    present = sorted(set(labels.tolist()))
    return torch.stack([active[labels == label].double().mean(dim=0) for label in present])


def selectivity(means: Float[Tensor, "classes c"]) -> Float[Tensor, " c"]:
    """(largest - mean of the others) / (largest + mean of the others), for each channel.

    0 for a channel that is as active for every class, 1 for one that is active for a single class
    only, and NaN for one that is active for none.
    """
    largest = means.amax(dim=0)
    others = (means.sum(dim=0) - largest) / (len(means) - 1)
    # Rounding may leave a little less than nothing for the others.
    others = others.clamp(min=0)
    return (largest - others) / (largest + others)
