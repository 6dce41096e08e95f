"""Small images for the tests of this room."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture
def shared() -> Path:
    """Real photographs beside the repository, where they are."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the photographs of {SHARED}")
    return SHARED


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of small pictures, each of one colour that encodes its number."""

    def make(count: int, folder: str = "pictures", side: int = 8) -> Path:
        where = tmp_path / folder
        where.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            colour = (number % 256, number // 256, 100)
            Image.new("RGB", (side, side), colour).save(where / f"{number:04}.png")
        return where

    return make


@pytest.fixture
def noise() -> np.ndarray:
    """A colour picture of 40 x 48 pixels in which no two regions are alike."""
    return np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
