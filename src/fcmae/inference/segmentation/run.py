"""Segments images of any size into files, on one process or many."""

from pathlib import Path, PurePath

import numpy as np
import torch

from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.tiles import OVERVIEW_PIXELS, overview
from fcmae.engine.report import Reporter
from fcmae.evaluation.forward import evaluating, gather_unusable
from fcmae.evaluation.scan import Scanner
from fcmae.files.results import unusable_files
from fcmae.files.together import begin, end
from fcmae.inference.prologue import TrainedModel
from fcmae.inference.segmentation.inputs import Sorts
from fcmae.inference.segmentation.options import PredictedSegments, PredictSegment
from fcmae.inference.segmentation.output import NOT_SEEN, LabelMapArray, SegmentationOutput
from fcmae.inference.segmentation.scanner import open_scanner, own_sizes


def predict(
    options: PredictSegment,
    trained: TrainedModel,
    images: ImageList,
    sorts: Sorts,
    reporter: Reporter,
) -> PredictedSegments:
    """Segments all images, large ones by windows, and writes what was asked for."""
    small, large, unusable = sorts.small, sorts.large, [*sorts.unusable]
    scanner = open_scanner(trained, options.scan, options.run)
    output, peers = SegmentationOutput(options.write, trained, images), scanner.peers
    journal = begin(options.out, output.names(), peers)
    with evaluating(scanner.model):
        found = images.subset(small)
        for batch in own_sizes(trained, found, peers, reporter, or_none=True):
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
    output: SegmentationOutput,
    scanner: Scanner,
    out: Path,
    by_windows: int,
    unusable: list[tuple[str, str]],
) -> PredictedSegments:
    """The result over all processes."""
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
    scanner: Scanner, output: SegmentationOutput, index: int, reporter: Reporter
) -> tuple[LabelMapArray, tuple[Picture, int]]:
    """The class of each pixel of an image that is never in memory as a whole, and its overview."""
    images, channels, how = output.images, output.channels, output.reading
    with images.store.open_regions(index, channels=channels, how=how) as regions:
        height, width = regions.size
        found = np.empty((height, width), np.uint8 if len(output.classes) <= 256 else np.int16)
        what = f"windows of {PurePath(images.name(index)).name}"
        with reporter.counting(what, scanner.num_windows(regions.size)) as count:
            for top, rows in scanner.large(regions, output.normalise, done=count):
                found[top : top + len(rows)] = rows
        if "overlays" not in output.forms:
            return found, (NOT_SEEN, 1)
        small, side = overview(regions, OVERVIEW_PIXELS)
    return found, (output.seen(output.normalise(small)[None]), side)
