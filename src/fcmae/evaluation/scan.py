"""The class of every pixel of an image of any size: whole or by windows, at several scales."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from fcmae.data.normalisation import Normalisation
from fcmae.data.segments.views import base_factor
from fcmae.data.tiles import OVERVIEW_PIXELS, Regions, Window, overview, windows
from fcmae.evaluation.options import Scan
from fcmae.model.segmenter import Segmenter
from fcmae.process_group import Peers
from fcmae.types import Images, Level

Scores = Float[Tensor, "1 classes h w"]


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """A segmenter with a way to look at images.

    Attributes:
        model: The segmenter, in eval mode.
        how: Whole or by windows, scales, mirror image.
        tile: Height and width of a window.
        batch_size: Windows that the model sees at once; the result does not depend on it.
        peers: Device and precision.
    """

    model: Segmenter
    how: Scan
    tile: tuple[int, int]
    batch_size: int = 1
    peers: Peers = field(default_factory=Peers)

    def probabilities(self, image: Float[Tensor, "1 c h w"]) -> Scores:
        """The probability of each class at each pixel, averaged over scales and mirror images."""
        return self._averaged(image, self.scores, self._factor(image))

    def classes(self, image: Float[Tensor, "1 c h w"]) -> Int[np.ndarray, "h w"]:
        """The likeliest class of each pixel."""
        # The largest score is the largest probability, which would take as much memory again.
        plain = self._viewed_once and self._factor(image) == 1.0
        scores = self.scores(image) if plain else self.probabilities(image)
        called: NDArray[np.int64] = scores[0].argmax(dim=0).cpu().numpy()
        return called

    def _factor(self, image: Images) -> float:
        """Factor by which the sides of an image are multiplied before it is segmented."""
        return base_factor((image.shape[-2], image.shape[-1]), self.how.short_side)

    @property
    def _viewed_once(self) -> bool:
        return self.how.scales == (1.0,) and not self.how.flip

    def _averaged(self, images: Images, look: Callable[[Images], Level], factor: float) -> Level:
        """Probabilities at each pixel, the mean over views whose class scores ``look`` gives."""
        size = (images.shape[-2], images.shape[-1])
        sums: Level | None = None
        ways = (False, True) if self.how.flip else (False,)
        views = [(scale, mirrored) for scale in self.how.scales for mirrored in ways]
        for scale, mirrored in views:
            view = _resized(images, [max(1, round(side * factor * scale)) for side in size])
            seen = look(view.flip(-1) if mirrored else view).softmax(dim=1)
            seen = _resized(seen.flip(-1) if mirrored else seen, list(size))
            sums = seen if sums is None else sums.add_(seen)
        assert sums is not None
        return sums.div_(len(views))

    def scores(self, image: Float[Tensor, "1 c h w"]) -> Scores:
        """Class scores of an image in its own size."""
        size = (image.shape[-2], image.shape[-1])
        if self.how.mode == "whole" and math.prod(size) <= self.how.large:
            return self._of_tiles(image)
        placed = windows(size, self.tile, self.how.overlap)
        total = torch.zeros(1, self.model.num_classes, *size, device=image.device)
        times = torch.zeros(1, 1, *size, device=image.device)
        for start in range(0, len(placed), self.batch_size):
            some = placed[start : start + self.batch_size]
            tiles = torch.cat([image[(..., *window.slices)] for window in some])
            for window, scores in zip(some, self._of_tiles(tiles), strict=True):
                total[(..., *window.slices)] += scores
                times[(..., *window.slices)] += 1
        return total.div_(times)

    def _of_windows(self, tiles: Images) -> Level:
        """Segments the windows of a large image: scores, or probabilities where they are viewed
        in several ways."""
        if self._viewed_once:
            return self._of_tiles(tiles)
        return self._averaged(tiles, self._of_tiles, 1.0)

    def _of_tiles(self, tiles: Images) -> Level:
        """Class scores of images of one size, filled up with the mean colour to fit the stride."""
        height, width = tiles.shape[-2:]
        stride = self.model.encoder.architecture.stride
        padded = F.pad(tiles, (0, -width % stride, 0, -height % stride))
        with torch.no_grad(), self.peers.autocast():
            scores: Tensor = self.model(padded.to(self.peers.device))
        return scores[:, :, :height, :width].float()

    def num_windows(self, size: tuple[int, int]) -> int:
        """Number of windows that ``large`` needs for an image of this height and width."""
        if self.how.short_side is not None:
            return 1
        return len(windows(size, self.tile, self.how.overlap))

    def large(
        self,
        regions: Regions,
        normalise: Normalisation,
        *,
        done: Callable[[int], object] = lambda number: None,
    ) -> Iterator[tuple[int, NDArray[np.int16]]]:
        """The class of each pixel of an image that is read by windows, some rows at a time.

        In memory are the scores of one row of windows, never those of the whole image. Windows
        slide at the image's own size; each is viewed at all scales and mirrored, where that is
        asked for. With a ``short_side`` the image is looked at whole, at that size: it is reduced
        while it is read, and squares of its pixels are called the same.

        Args:
            regions: The open image.
            normalise: Of the model.
            done: Called with the number of windows that were looked at.

        Yields:
            The first row, and the classes of as many rows as no later window touches.
        """
        if self.how.short_side is not None:
            yield from self._reduced(regions, normalise, self.how.short_side)
            done(1)
            return
        placed = windows(regions.size, self.tile, self.how.overlap)
        rows = [[w for w in placed if w.top == top] for top in sorted({w.top for w in placed})]
        classes, width = self.model.num_classes, regions.size[1]
        band = torch.zeros(classes, rows[0][0].height, width)
        for number, row in enumerate(rows):
            self._add(band, row, regions, normalise, done)
            top, last = row[0].top, number + 1 == len(rows)
            finished = row[0].height if last else rows[number + 1][0].top - top
            # How many windows saw a pixel does not change which class has the largest sum.
            yield top, band[:, :finished].argmax(dim=0).numpy().astype(np.int16)
            band = F.pad(band[:, finished:], (0, 0, 0, finished))

    def _reduced(
        self, regions: Regions, normalise: Normalisation, short_side: int
    ) -> Iterator[tuple[int, NDArray[np.int16]]]:
        """Yields what ``large`` does, for an image that is resized to this shorter side."""
        height, width = regions.size
        # Never so small that it would have to be enlarged again.
        largest = base_factor(regions.size, short_side) * max(1.0, *self.how.scales)
        most_side = max(1, math.floor(1 / largest + 1e-6))
        fewest = math.ceil(height * width / most_side**2)
        picture, side = overview(regions, max(OVERVIEW_PIXELS, fewest))
        called = self.classes(normalise(picture)[None].to(self.peers.device)).astype(np.int16)
        columns = (np.arange(width) // side).clip(max=called.shape[1] - 1)
        for row in range(len(called)):
            top = row * side
            last = row + 1 == len(called)
            rows = height - top if last else side
            yield top, np.broadcast_to(called[row, columns], (rows, width))

    def _add(
        self,
        band: Float[Tensor, "classes h w"],
        row: list[Window],
        regions: Regions,
        normalise: Normalisation,
        done: Callable[[int], object],
    ) -> None:
        for start in range(0, len(row), self.batch_size):
            some = row[start : start + self.batch_size]
            tiles = torch.stack([normalise(regions.read(window)) for window in some])
            for window, scores in zip(some, self._of_windows(tiles).cpu(), strict=True):
                band[:, :, window.slices[1]] += scores
            done(len(some))


def _resized(x: Level, size: list[int]) -> Level:
    """Bilinear, with antialiasing where it shrinks."""
    if list(x.shape[-2:]) == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
