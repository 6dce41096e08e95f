"""Mixup and cutmix on a batch, with soft targets."""

import numpy as np
import torch
from timm.data.mixup import cutmix_bbox_and_lam, mixup_target

from fcmae.data.options import Augment
from fcmae.randomness import seeded
from fcmae.types import Images, Labels, Logits


def mix(
    images: Images, labels: Labels, augment: Augment, num_classes: int
) -> tuple[Images, Logits]:
    """Mix each image with its opposite in the batch, as timm's Mixup does for a whole batch.

    Half of the batches get mixup, half cutmix, where both are on. Any number of images will do:
    the middle one of an odd batch is its own opposite. The draws come from PyTorch's CPU generator.

    Returns:
        The mixed images, and for each image a distribution over the classes.
    """
    with seeded(int(torch.randint(2**62, ())), "mixup"):
        images, share = _mixed(images, augment)
    return images, mixup_target(labels, num_classes, share, augment.smoothing)


def _mixed(images: Images, augment: Augment) -> tuple[Images, float]:
    """The mixed images, and what share of each is its own."""
    alphas = {"mixup": augment.mixup, "cutmix": augment.cutmix}
    usable = [name for name, alpha in alphas.items() if alpha > 0]
    if not usable:
        return images, 1.0
    chosen = usable[int(np.random.rand() * len(usable))]
    share = float(np.random.beta(alphas[chosen], alphas[chosen]))
    opposite = images.flip(0)
    if chosen == "mixup":
        return images * share + opposite * (1 - share), share
    (top, bottom, left, right), share = cutmix_bbox_and_lam(images.shape, share)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = opposite[:, :, top:bottom, left:right]
    return mixed, float(share)
