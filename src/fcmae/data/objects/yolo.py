"""Labels as YOLO writes them: a text file beside each image, a line for each object."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.conventions import refuse_other_convention
from fcmae.data.objects.rows import BoxCorners
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.data.objects.yolo_files import images_in, names_near, together
from fcmae.errors import DataError

MAX_BYTES = 16 * 2**20
"""No label file of one image is larger."""

SLACK = 1e-3
"""How far outside [0, 1] coordinates may be: rounding."""

PIXELS = 2.0
"""No share is so large, not even of a box that leaves its image; a pixel's place may well be."""

POSES = 3
"""So many lines, all with points inside of a box, are no outlines by accident."""


class YoloObject(NamedTuple):
    """A line of a text file: class and coordinates, as they are written."""

    image: int
    label: int
    values: list[float]
    where: str
    file: Path


def read_yolo(
    places: Sequence[Path],
    classes: Sequence[str] | None = None,
    *,
    texts: Path | None = None,
    keypoints: int = 0,
    rules: LabelRules = AS_WRITTEN,
) -> LabelledObjects:
    """Read images and the text file of each.

    A line is ``class x y width height`` (centre and size) or ``class x1 y1 x2 y2 x3 y3 ...`` (the
    corners of an outline), all in shares of the image's width and height. An image without a file
    has no objects.

    Args:
        places: Folders of images, or .txt files that list them.
        classes: Names of the classes; by default those of a classes.txt nearby, or numbers.
        texts: The folder of the text files, where it is not the usual one.
        keypoints: How many numbers follow a box, which are passed over.
        rules: What becomes of labels that may be taken in several ways.

    Raises:
        DataError: There are no images, or no labels at all; or boxes are written in another way.
    """
    images = together([images_in(place, texts) for place in places])
    classes = classes or names_near(images) or None
    collector = Collector(images.called, images.root, classes or [], rules=rules)
    if images.note:
        collector.note(images.note)
    found: list[YoloObject] = []
    for name, file, where in zip(images.names, images.texts, images.wheres, strict=True):
        image = collector.add_image(name, where=where, file=file)
        if image is not None and file.is_file():
            found += _lines_of(collector, image, file, keypoints)
        elif image is not None:
            collector.note("images without a label file, which have no objects", shown(file))
    for file in images.unused:
        collector.complain("its name", "there is no image for these labels", file)
    _check_numbers(collector, found)
    for one in found:
        _add(collector, one, known=classes is not None)
    return collector.finish(images.set_aside)


def _lines_of(collector: Collector, image: int, file: Path, keypoints: int) -> list[YoloObject]:
    """The objects of one image."""
    try:
        if file.stat().st_size > MAX_BYTES:
            collector.complain("its size", "the file is too large for the labels of an image", file)
            return []
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        collector.complain("its text", f"it cannot be read as UTF-8: {error}", file)
        return []
    found = []
    for number, line in enumerate(lines, start=1):
        if not (words := line.split()):
            continue
        where = f"line {number}"
        if keypoints and len(words) == 5 + keypoints:
            words = words[:5]
            collector.note("keypoints of objects, passed over", f"{shown(file)}, {where}")
        label, values = _numbers(words)
        if reason := _why_not_count(len(words)):
            collector.complain(where, reason, file)
        elif label is None or values is None:
            said = " ".join(words[:5])
            collector.complain(where, f"{said!r} is not a class index and finite numbers", file)
        else:
            found.append(YoloObject(image, label, values, where, file))
    return found


def _why_not_count(count: int) -> str | None:
    """The reason why a line has no object by its number of values, or None."""
    if count == 5 or (count >= 7 and count % 2):
        return None
    reason = (
        f"it has {count} values, but a box has five (class x y width height) and an outline an odd "
        "number of at least seven"
    )
    if count == 6:
        return f"{reason}; a sixth is the confidence of a prediction, which is no label: remove it"
    if count > 6:
        return f"{reason}; of keypoints, tell kpt_shape in the data.yaml"
    return reason


def _numbers(words: list[str]) -> tuple[int | None, list[float] | None]:
    """Class index and coordinates, or None for what is no number."""
    try:
        label, values = float(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        return None, None
    # A detector of more classes than this would not fit into memory.
    whole = label.is_integer() and 0 <= label < 100_000
    return int(label) if whole else None, values if all(map(math.isfinite, values)) else None


def _check_numbers(collector: Collector, found: list[YoloObject]) -> None:
    """Refuse pixels, corners instead of centres, and keypoints that look like outlines.

    Raises:
        DataError: The numbers of most lines mean something else than YOLO has.
    """
    source = shown(collector.source)
    pixels = [one for one in found if max(one.values) > PIXELS]
    if len(pixels) > len(found) / 2:
        raise DataError(
            f"{len(pixels):,} of the {len(found):,} lines of {source} are in pixels (the first: "
            f"{shown(pixels[0].file)}, {pixels[0].where}), but YOLO's are shares of the image from "
            "0 to 1: divide them by width and height."
        )
    outlines = [one for one in found if len(one.values) > 4]
    if len(outlines) >= POSES and all(map(_is_pose, outlines)):
        raise DataError(
            f"the {len(outlines[0].values) + 1} values of each line of {source} look like a box "
            "and keypoints inside of it, not like an outline. Tell kpt_shape: [NUMBER, 2 or 3] in "
            "the data.yaml, and the boxes are taken."
        )
    boxes = [one for one in found if len(one.values) == 4]
    sizes = collector.sizes_of([one.image for one in boxes])
    refuse_other_convention(
        np.array([one.values for one in boxes]).reshape(-1, 4) * np.tile(sizes[:, ::-1], 2),
        sizes,
        expected="centre x, centre y, width, height",
        source=source,
    )


def _is_pose(one: YoloObject) -> bool:
    """True if all points but the first two lie in the box that these would be, or are unknown."""
    x, y, width, height, *rest = one.values
    points = [(a, b) for a, b in zip(rest[::2], rest[1::2], strict=True) if (a, b) != (0, 0)]
    inside = all(abs(a - x) <= width / 2 and abs(b - y) <= height / 2 for a, b in points)
    return bool(points) and inside


def _add(collector: Collector, one: YoloObject, *, known: bool) -> None:
    if not known:
        collector.classes += [str(i) for i in range(len(collector.classes), one.label + 1)]
    reason = None
    if one.label >= len(collector.classes):
        reason = f"its class is {one.label}, but the classes are 0 to {len(collector.classes) - 1}"
    elif max(one.values) > PIXELS:
        reason = "its numbers are pixels, but must be shares of the image from 0 to 1"
    elif len(one.values) > 4 and not collector.rules.clip and _leaves(one.values):
        reason = "its outline leaves the image: coordinates are shares from 0 to 1"
    if reason is not None:
        collector.complain(one.where, reason, one.file)
        return
    box, outline = _place(one.values, collector.sizes[one.image])
    collector.add(one.image, one.label, box, where=one.where, outline=outline, file=one.file)


def _leaves(shares: Sequence[float]) -> bool:
    return min(shares) < -SLACK or max(shares) > 1 + SLACK


def _place(
    values: list[float], size: tuple[int, int]
) -> tuple[BoxCorners, list[list[float]] | None]:
    """Box and outline in pixels."""
    height, width = size
    if len(values) == 4:
        x, y, w, h = values
        box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        return box, None
    xs, ys = [x * width for x in values[::2]], [y * height for y in values[1::2]]
    ring = [value for pair in zip(xs, ys, strict=True) for value in pair]
    return (min(xs), min(ys), max(xs), max(ys)), [ring]
