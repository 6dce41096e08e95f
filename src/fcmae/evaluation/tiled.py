"""Finding objects in images of any size, window by window."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.table import Objects
from fcmae.data.options import Loader
from fcmae.data.tiles import Regions, Window, windows
from fcmae.evaluation.detections import Detections, in_pixels
from fcmae.evaluation.forward import evaluating
from fcmae.evaluation.merge_windows import merge_windows
from fcmae.model.detector import Detector
from fcmae.model.tiling import Tiling
from fcmae.process_group import Peers


@dataclass(frozen=True, kw_only=True)
class Tiler:
    """A detector that looks at an image in its own size through windows.

    Attributes:
        model: The detector.
        tiling: Size and overlap of the windows.
        batch_size: Windows at once; the result does not depend on it.
        peers: Device and precision.
    """

    model: Detector
    tiling: Tiling
    batch_size: int = 1
    peers: Peers = field(default_factory=Peers)

    def __call__(
        self,
        regions: Regions,
        normalise: Normalisation,
        *,
        done: Callable[[int], object] = lambda number: None,
    ) -> Detections:
        """The objects of an image that is read by windows; what windows share is found once.

        Args:
            regions: The open image.
            normalise: Of the model.
            done: Called with the number of windows that were looked at.
        """
        placed = self._windows(regions.size)
        found: list[Detections] = []
        with evaluating(self.model):
            for start in range(0, len(placed), self.batch_size):
                some = placed[start : start + self.batch_size]
                found += self._look(some, regions, normalise)
                done(len(some))
        return merge_windows(found, placed, regions.size)

    def num_windows(self, size: tuple[int, int]) -> int:
        """Number of windows that an image of this height and width takes."""
        return len(self._windows(size))

    def _windows(self, size: tuple[int, int]) -> list[Window]:
        return windows(size, self.tiling.size, self.tiling.overlap)

    def _look(
        self, some: list[Window], regions: Regions, normalise: Normalisation
    ) -> Iterator[Detections]:
        tiles = torch.stack([normalise(regions.read(window)) for window in some])
        size = (tiles.shape[-2], tiles.shape[-1])
        stride = self.model.encoder.architecture.stride
        padded = F.pad(tiles, (0, -size[1] % stride, 0, -size[0] % stride))
        with self.peers.autocast():
            found = self.model(padded.to(self.peers.device), [size] * len(some))
        return (in_pixels(one, fitted=size, original=size) for one in found)


WindowWatch = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]
"""Begins to show how many of so many windows of an image are done."""


@contextmanager
def unwatched(name: str, total: int) -> Iterator[Callable[[int], object]]:
    """Shows nothing."""
    yield lambda number: None


def through_windows(
    tiler: Tiler,
    images: ImageList,
    loader: Loader,
    *,
    unusable: list[tuple[str, str]],
    watch: WindowWatch = unwatched,
) -> Iterator[tuple[int, Detections]]:
    """Detects objects in each image of this rank's share, in the images' own size.

    Args:
        tiler: The detector and its windows.
        images: All images; sizes that their labels tell are checked.
        loader: The model's normalisation.
        unusable: Files that had to be left out are added to it.
        watch: Shows the progress of an image.

    Raises:
        DataError: An image has another size than its labels say.
    """
    channels = tiler.model.encoder.architecture.channels
    normalise = Normalisation.of(loader, channels)
    for index in range(tiler.peers.rank, len(images), tiler.peers.size):
        try:
            with images.store.open_regions(index, channels=channels, how=loader.reading) as regions:
                if isinstance(images.annotations, Objects):
                    images.annotations.check_size(index, regions.size)
                total = tiler.num_windows(regions.size)
                with watch(images.name(index), total) as done:
                    found = tiler(regions, normalise, done=done)
        except UnusableImage as error:
            unusable.append((images.name(index), error.reason))
        else:
            yield index, found
