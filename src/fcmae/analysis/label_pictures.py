"""Label maps for people: a PNG that keeps the numbers and has colours, and an overlay."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Integer, UInt8
from PIL import Image

from fcmae.analysis.overlays import class_colour, visible, with_legend
from fcmae.data.modes import Picture

LabelImage = Integer[np.ndarray, "h w"]

OPACITY = 0.55
MAX_NAMED = 30
"""Classes that a legend names at most, the largest ones."""
MAX_PALETTE = 256


def colours(num: int) -> UInt8[np.ndarray, "num 3"]:
    """The colour of each class, the same in every picture."""
    return np.array([class_colour(label) for label in range(num)], dtype=np.uint8).reshape(-1, 3)


def write_label_map(labels: LabelImage, num_classes: int, path: Path) -> Path:
    """Write class indices as a PNG with a palette; beyond 256 classes, as 16 bits of grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if num_classes > MAX_PALETTE:
        Image.fromarray(labels.astype(np.uint16)).save(path)
        return path
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(colours(num_classes).tobytes())
    image.save(path)
    return path


def draw_classes(picture: Picture, labels: LabelImage, classes: Sequence[str], path: Path) -> Path:
    """Draw the classes over a picture, with a legend of those that occur and their shares."""
    tints = colours(len(classes))[labels]
    mixed = visible(picture) * (1 - OPACITY) + tints * OPACITY
    counts = np.bincount(labels.ravel(), minlength=len(classes))
    largest = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]][:MAX_NAMED]
    legend = [(f"{classes[i]} {counts[i] / labels.size:.1%}", class_colour(i)) for i in largest]
    path.parent.mkdir(parents=True, exist_ok=True)
    with_legend(Image.fromarray(mixed.round().astype(np.uint8)), legend).save(path)
    return path
