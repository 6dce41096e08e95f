"""``fcmae predict segment``: the class of every pixel, as masks, overlays and polygons."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image import UnusableImage, upright_size
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.evaluation.options import Scan
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.places import check_apart, check_no_run
from fcmae.setup.sources import find_all
from fcmae.setup.weights import loader_of, read_weights

Form = Literal["masks", "overlays", "polygons"]


@dataclass(frozen=True, kw_only=True)
class PredictSegment:
    """Name the class of every pixel: masks, overlays with a legend, polygons."""

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: Path
    """Folder of a run of fcmae finetune segment, or weights file."""

    out: Path
    """Folder to write to, with a folder inside for each form; what an earlier call wrote there is
    replaced."""

    write: list[Form] = field(default_factory=lambda: ["masks", "overlays"])
    """What to write: masks (PNG of class indices, with colours), overlays (the classes over the
    image), polygons (GeoJSON, in pixels from the upper left corner)."""

    size: Size | None = None
    """Side in pixels of the windows where they slide, or height,width; by default that of the
    training crops."""

    scan: Scan = Scan()
    loader: Loader = Loader()
    run: Compute = Compute()

    def __post_init__(self) -> None:
        if not self.write or len(set(self.write)) < len(self.write):
            raise ValueError(
                f"write is {' '.join(self.write) or 'empty'}, but must name one or several of "
                "masks, overlays and polygons, each once."
            )


@dataclass(frozen=True, kw_only=True)
class PredictedSegments(Result):
    """What was said about images.

    Attributes:
        out: Folder of what was written.
        images: Images segmented.
        large: Those of them that are larger than ``scan.large``.
        classes: Share of all pixels that were called each class, largest first.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    large: int
    classes: dict[str, float]
    unusable: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Sorts:
    """Which images are looked at in which way.

    Attributes:
        small: Indices of those that are read whole.
        large: Indices of those that are read by windows.
        unusable: (path, reason) of the files that are no images.
    """

    small: NDArray[np.int64]
    large: NDArray[np.int64]
    unusable: list[tuple[str, str]]


def predict_segment(options: PredictSegment, reporter: Reporter) -> PredictedSegments:
    """Check what the weights and the images say, then segment."""
    weights = read_weights(options.weights, kind="segmenter")
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    check_no_run(options.out)
    images = find_all(options.data)
    check_apart(options.data, images, options.out)
    sorts = by_size(images, options.scan.large)
    with hold(options.out):
        from fcmae.inference.segmentation.output import predict

        return predict(options, weights, images, sorts, reporter)


def by_size(images: ImageList, most_pixels: int) -> Sorts:
    """Tell images that are looked at whole from larger ones, and from files that are no images.

    Raises:
        DataError: There is no image among them.
    """
    small, large, unusable = list[int](), list[int](), list[tuple[str, str]]()
    for index in range(len(images)):
        try:
            height, width = upright_size(images.path(index))
        except UnusableImage as error:
            unusable.append((images.name(index), error.reason))
        else:
            (large if height * width > most_pixels else small).append(index)
    if not small and not large:
        raise DataError(
            f"none of the {len(images)} files can be used, such as {unusable[0][0]}: "
            f"{unusable[0][1]}. `fcmae check` lists all of them."
        )
    return Sorts(
        small=np.array(small, dtype=np.int64),
        large=np.array(large, dtype=np.int64),
        unusable=unusable,
    )
