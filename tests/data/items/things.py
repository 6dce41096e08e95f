"""Data sets as others write them, for the tests of this room and of the commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

Pixels = NDArray[np.uint8]


def noise(count: int, side: int = 20, *, channels: int = 3, seed: int = 0) -> Pixels:
    """Images of noise, ``n h w c``."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, side, side + 10, channels), dtype=np.uint8)


def png_folder(images: Pixels, folder: Path, classes: int = 1) -> Path:
    """The same images as files, in the same order, dealt out to folders of classes."""
    for number, pixels in enumerate(images):
        path = folder / f"class-{number * classes // len(images)}" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


class Pairs(Dataset[Any]):
    """A map-style data set of (image, target), as torchvision has them."""

    def __init__(self, images: Any, targets: Any, change: Callable[[int], Any] | None = None):
        self.images, self.labels, self.change = images, targets, change
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        self.read.append(index)
        if self.change is not None:
            self.change(index)
        return Image.fromarray(self.images[index]), self.labels[index]


class Drawing(Dataset[Any]):
    """A data set that changes its items at random, image and target alike."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        value = int(torch.randint(200, ()))
        picture = np.full((20, 20, 3), value, np.uint8)
        return picture, np.full((20, 20), value, np.int64)
