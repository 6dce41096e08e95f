"""Draws images, what the encoder sees of them, and their reconstructions."""

from pathlib import Path

import matplotlib as mpl
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from fcmae.analysis.pictures import STYLE, save
from fcmae.data.normalisation import Normalisation
from fcmae.model.reconstruction import Pictures
from fcmae.types import Images

TITLES = ("input", "visible", "reconstruction")
IMAGE_IN = 1.5
"""Width of an image on paper, in inches."""


def reconstruction_grid(
    images: Images, pictures: Pictures, normalisation: Normalisation, path: Path
) -> Path:
    """Draw a row per image: input, what is visible of it, reconstruction with that pasted in."""
    rows = zip(
        *(as_shown(x, normalisation) for x in (images, pictures.masked, pictures.reconstruction)),
        strict=True,
    )
    height = IMAGE_IN * images.shape[2] / images.shape[3]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3 * IMAGE_IN, len(images) * height))
        figure.subplots_adjust(0, 0, 1, 1, wspace=0.03, hspace=0.03)
        grid = figure.subplots(len(images), 3, squeeze=False)
        for line, row in zip(grid, rows, strict=True):
            for axes, picture in zip(line, row, strict=True):
                axes.imshow(picture.numpy(), cmap="gray", vmin=0, vmax=1)
                axes.set_axis_off()
        for axes, title in zip(grid[0], TITLES, strict=True):
            axes.set_title(title, loc="center")
        return save(figure, path)


def as_shown(
    images: Images, normalisation: Normalisation
) -> Float[Tensor, "n rows columns colours"]:
    """Normalised images as pictures: the first three channels, or one where there are fewer."""
    plain = normalisation.undo(images.detach().float().cpu())
    return plain[:, : 3 if plain.shape[1] >= 3 else 1].permute(0, 2, 3, 1)
