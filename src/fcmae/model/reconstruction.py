"""Output of an autoencoder, and a picture of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from PIL import Image
from torch import Tensor

from fcmae.kernels.patches import take_patches
from fcmae.loss.options import Target
from fcmae.loss.pixels import statistics, to_images, to_patches
from fcmae.types import Images, Patches, Positions

GAP = 4
"""Pixels of white between the images of a picture."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Images as a person wants to see them, normalised as the input was.

    Attributes:
        masked: The input with zero at hidden patches.
        reconstruction: The input with the prediction pasted over hidden patches.
    """

    masked: Images
    reconstruction: Images


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Output of the autoencoder for a batch.

    Attributes:
        loss: Mean squared error on hidden patches (and on visible ones, if the target says so).
        prediction: Values of patches, each (row, column, channel) unless the target is a user's.
        positions: Which patches these are, as raster indices of the grid: the hidden ones in
            order, followed by the visible ones if those have a part in the loss.
        hidden: Raster indices of the hidden ones.
        grid: Rows and columns of the last stage, whose positions are the patches predicted.
        images: The input.
        missing: Pixels that are not known; None where all are.
        target: Normalisation of the pixels; None if values are no pixels.
        normalized: True if values are pixels normalised by their patch, False if they are pixels as
            the input has them, None if they are no pixels.
    """

    loss: Float[Tensor, ""]
    prediction: Patches
    positions: Positions
    hidden: Int[Tensor, "n hidden"]
    grid: tuple[int, int]
    images: Images
    missing: Bool[Tensor, "n c h w"] | None = None
    target: Target | None = None
    normalized: bool | None

    def pictures(self) -> Pictures:
        """Masked input and reconstruction; predictions get their patch's own mean and deviation.

        Raises:
            ValueError: The target is not pixels.
        """
        if self.normalized is None:
            raise ValueError(
                "this autoencoder predicts a target of its own, not pixels, so there is no picture "
                "of it: look at `prediction`."
            )
        images, hidden = self.images.detach(), self.hidden
        side = images.shape[-2] // self.grid[0]
        patches = to_patches(images, side)
        predicted = self.prediction[:, : hidden.shape[1]].detach().to(images.dtype)
        if self.normalized:
            groups = None if self.target is None else self.target.groups_of(images.shape[1])
            missing = self.missing
            if missing is not None:
                missing = take_patches(missing.to(images.dtype), side, hidden) > 0
            of_patch = statistics(take_patches(images, side, hidden), groups, missing)
            predicted = predicted * of_patch.std + of_patch.mean
        where = hidden[..., None].expand(predicted.shape)
        return Pictures(
            masked=to_images(patches.scatter(1, where, 0.0), side, self.grid),
            reconstruction=to_images(patches.scatter(1, where, predicted), side, self.grid),
        )

    def picture(
        self,
        path: str | Path | None = None,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        most: int = 8,
    ) -> Image.Image:
        """A row for each image: input, what is visible of it, reconstruction.

        Args:
            path: Where to save it too, if anywhere.
            mean: Mean of each channel by which the images were normalised. Without it each image
                is shown from its smallest value, black, to its largest, white.
            std: Standard deviation of each channel, with ``mean``.
            most: Images to draw at most, the first ones.
        """
        if (mean is None) != (std is None):
            raise ValueError("mean and std undo a normalisation together: give both or none.")
        made = self.pictures()
        columns = [x[:most].float().cpu() for x in (self.images, made.masked, made.reconstruction)]
        if mean is None or std is None:
            low, high = (end((1, 2, 3), True) for end in (columns[0].amin, columns[0].amax))
            columns = [(x - low) / (high - low).clamp(min=1e-12) for x in columns]
        else:
            scale, shift = (torch.tensor(values)[:, None, None] for values in (std, mean))
            columns = [x * scale + shift for x in columns]
        picture = _sheet(columns)
        if path is not None:
            picture.save(path)
        return picture

    def _repr_png_(self) -> bytes | None:
        """The picture in a notebook; nothing where the target is not pixels."""
        return None if self.normalized is None else self.picture()._repr_png_()


def _sheet(columns: list[Images]) -> Image.Image:
    """Images in [0, 1] side by side, in colour where they have three channels or more."""
    colours = 3 if columns[0].shape[1] >= 3 else 1
    shown = [x[:, :colours].clamp(0, 1) for x in columns]
    padded = [F.pad(x, (0, GAP, 0, GAP), value=1.0) for x in shown]
    sheet = torch.cat([torch.cat(list(x), dim=1) for x in padded], dim=2)[:, :-GAP, :-GAP]
    pixels = (sheet * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(pixels if colours == 3 else pixels[..., 0])
