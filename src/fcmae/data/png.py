"""Pictures back into files."""

from pathlib import Path

import numpy as np
from PIL import Image

from fcmae.data.modes import Picture


def write_png(path: Path, picture: Picture) -> None:
    """Write 8 bits of one or three channels, without loss; for speed, hardly compressed."""
    flat = picture[..., 0] if picture.shape[2] == 1 else picture
    Image.fromarray(np.ascontiguousarray(flat)).save(path, compress_level=1)
