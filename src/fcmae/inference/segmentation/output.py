"""Segmenting images into files: the rooms wired together."""

import json
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Integer

from fcmae.analysis.label_pictures import draw_classes, write_label_map
from fcmae.analysis.reconstructions import as_shown
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.naming import distinct_stems
from fcmae.data.normalisation import Normalisation
from fcmae.data.tiles import OVERVIEW_PIXELS, open_regions, overview
from fcmae.data.trace import polygons, signed_area
from fcmae.engine.report import Reporter
from fcmae.evaluation.forward import evaluating, gather_unusable
from fcmae.evaluation.scan import Scanner
from fcmae.files.durable import write_synced
from fcmae.files.journal import Journal
from fcmae.files.results import unusable_files
from fcmae.files.together import begin, end
from fcmae.inference.segmentation.predict import Form, PredictedSegments, PredictSegment, Sorts
from fcmae.inference.segmentation.scanner import open_scanner, own_sizes
from fcmae.setup.weights import Weights, loader_of
from fcmae.types import Images

LabelMap = Integer[np.ndarray, "h w"]

NOT_SEEN = np.empty((0, 0, 3), np.uint8)
"""The picture of an image that is not drawn."""

ENDINGS: dict[Form, str] = {"masks": "png", "overlays": "png", "polygons": "geojson"}


def predict(
    options: PredictSegment, weights: Weights, images: ImageList, sorts: Sorts, reporter: Reporter
) -> PredictedSegments:
    """Segment all images, large ones by windows, and write what was asked for."""
    small, large, unusable = sorts.small, sorts.large, [*sorts.unusable]
    scanner = open_scanner(options, weights)
    output, peers = Output(options, weights, images), scanner.peers
    journal = begin(options.out, output.names(), peers)
    with evaluating(scanner.model):
        found = images.subset(small)
        for batch in own_sizes(
            options, weights, found, reporter, peers, what="segmenting", or_none=True
        ):
            unusable += batch.unusable
            if len(batch):
                called = scanner.classes(batch.images.to(peers.device))
                picture = output.seen(batch.images)
                output.write(journal, int(small[int(batch.indices[0])]), called, picture)
        whole = output.written
        for index in large[peers.rank :: peers.size].tolist():
            try:
                called, (picture, side) = _by_windows(scanner, output, index, reporter)
                output.write(journal, index, called, picture, side)
            except UnusableImage as error:
                unusable.append((images.name(index), error.reason))
    end(journal, peers)
    return _reported(output, scanner, options.out, output.written - whole, unusable)


def _reported(
    output: "Output",
    scanner: Scanner,
    out: Path,
    by_windows: int,
    unusable: list[tuple[str, str]],
) -> PredictedSegments:
    """What all processes have done together."""
    peers = scanner.peers
    mine = torch.from_numpy(np.append(output.counts, [output.written, by_windows])).to(peers.device)
    *counts, images, large = peers.gather(mine[None]).sum(dim=0).tolist()
    most = sorted((i for i in range(len(counts)) if counts[i]), key=lambda i: -counts[i])
    return PredictedSegments(
        out=out,
        images=images,
        large=large,
        classes={output.classes[i]: counts[i] / sum(counts) for i in most},
        unusable=unusable_files(gather_unusable(unusable, peers)),
    )


def _by_windows(
    scanner: Scanner, output: "Output", index: int, reporter: Reporter
) -> tuple[LabelMap, tuple[Picture, int]]:
    """The class of each pixel of an image that is never in memory as a whole, and its overview."""
    path, channels = output.images.path(index), output.channels
    with open_regions(path, channels=channels) as regions:
        height, width = regions.size
        found = np.empty((height, width), np.uint8 if len(output.classes) <= 256 else np.int16)
        what = f"windows of {path.name}"
        with reporter.counting(what, scanner.num_windows(regions.size)) as count:
            for top, rows in scanner.large(regions, output.normalise, done=count):
                found[top : top + len(rows)] = rows
        seen = overview(regions, OVERVIEW_PIXELS) if "overlays" in output.forms else (NOT_SEEN, 1)
    return found, seen


class Output:
    """The files of a folder.

    Attributes:
        images: All images.
        stems: What their files are called, without an ending.
        classes: Names of the classes.
        channels: Of the images.
        normalise: How images become what the model sees.
        counts: Pixels that were called each class.
        written: Images that were written.
    """

    def __init__(self, options: PredictSegment, weights: Weights, images: ImageList) -> None:
        self.forms, self.images = options.write, images
        number = weights.description["num_classes"]
        self.stems = distinct_stems([images.name(i) for i in range(len(images))])
        self.classes = weights.classes or [str(label) for label in range(number)]
        self.channels = weights.architecture.channels
        self.normalise = Normalisation.of(loader_of(weights, options.loader), self.channels)
        self.counts = np.zeros(number, dtype=np.int64)
        self.written = 0

    def names(self) -> list[str]:
        """All files that may be written, relative to the folder."""
        return [_name(form, stem) for form in self.forms for stem in self.stems]

    def seen(self, image: Images) -> Picture:
        """An image as the model has seen it, if it is to be drawn over."""
        if "overlays" not in self.forms:
            return NOT_SEEN
        picture: Picture = as_shown(image, self.normalise)[0].numpy()
        return picture

    def write(
        self, journal: Journal, index: int, called: LabelMap, picture: Picture, side: int = 1
    ) -> None:
        """Write an image's classes in each form.

        Args:
            journal: By which to write files.
            index: Of the image.
            called: The class of each pixel.
            picture: The image to draw them over, reduced where it is large.
            side: So many pixels of the image are one of the picture, in each direction.
        """
        self.counts += np.bincount(called.ravel(), minlength=len(self.counts))
        self.written += 1
        for form in self.forms:
            with journal.writing(_name(form, self.stems[index])) as path:
                if form == "masks":
                    write_label_map(called, len(self.classes), path)
                elif form == "overlays":
                    middles = called[side // 2 :: side, side // 2 :: side]
                    shown = middles[: picture.shape[0], : picture.shape[1]]
                    draw_classes(picture, shown, self.classes, path)
                else:
                    write_synced(path, f"{json.dumps(self._features(called))}\n".encode())

    def _features(self, called: LabelMap) -> dict[str, object]:
        """A feature for each connected region of a class; y grows downwards, as in the image."""
        features = [
            {
                "type": "Feature",
                "properties": {
                    "class": self.classes[label],
                    "index": label,
                    "pixels": int(sum(map(signed_area, rings))),
                },
                "geometry": {"type": "Polygon", "coordinates": rings},
            }
            for label in np.unique(called).tolist()
            for rings in polygons(called == label)
        ]
        return {"type": "FeatureCollection", "features": features}


def _name(form: Form, stem: str) -> str:
    return f"{form}/{stem}.{ENDINGS[form]}"
