"""Labels as YOLO writes them: a text file beside each image, a line for each object."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fcmae.data.folders import walk
from fcmae.data.listing import find_images
from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.rows import BoxCorners
from fcmae.errors import DataError

MAX_BYTES = 16 * 2**20
"""No label file of one image is larger."""

NAMES = ("classes.txt", "obj.names", "_darknet.labels")
SLACK = 1e-3
"""How far outside [0, 1] coordinates may be: rounding."""


def read_yolo(images: Path, classes: Sequence[str] | None = None) -> LabelledObjects:
    """Read images and the text file of each.

    A line is ``class x y width height`` (centre and size) or ``class x1 y1 x2 y2 x3 y3 ...`` (the
    corners of an outline), all in shares of the image's width and height. The file of
    ``images/a/b.jpg`` is ``labels/a/b.txt``, or ``b.txt`` beside it. An image without one has no
    objects.

    Args:
        images: The folder of images, or a .txt that lists them, relative to its own folder.
        classes: Names of the classes; by default those of a classes.txt nearby, or numbers.

    Raises:
        DataError: There are no images, or no labels at all.
    """
    if images.is_file():
        return _of_list(images, classes)
    names = walk(images).files
    if not names:
        raise DataError(f"there are no images in {shown(images)}.")
    labels = labels_folder(images)
    classes = classes or _classes(images, labels) or None
    collector = Collector(labels, images, classes or [])
    used = set()
    for name in names:
        file = (labels / Path(name.decode("utf-8", "surrogateescape"))).with_suffix(".txt")
        used.add(file)
        _read_image(collector, name, file, where="its name", known=classes is not None)
    files = {file for file in labels.rglob("*.txt") if file.name not in NAMES}
    if not files & used:
        raise DataError(
            f"the images of {shown(images)} have no labels: {shown(labels)} holds no text file "
            "with the name of one of them."
        )
    for file in sorted(files - used):
        collector.complain("its name", "there is no image for these labels", file)
    return collector.finish()


def _of_list(source: Path, classes: Sequence[str] | None) -> LabelledObjects:
    """The images that a text file lists, which may lie in several folders."""
    listed = find_images(source, labels=False)
    paths = [listed.path(index) for index in range(len(listed))]
    labels = {folder: labels_folder(folder) for folder in {path.parent for path in paths}}
    files = [(labels[path.parent] / path.name).with_suffix(".txt") for path in paths]
    first = paths[0].parent
    if not any(file.is_file() for file in files):
        raise DataError(
            f"the images of {shown(source)} have no labels: there is no {shown(files[0])}, and no "
            "text file of another one."
        )
    classes = classes or _classes(first, labels[first]) or None
    collector = Collector(source, listed.root, classes or [])
    for index, file in enumerate(files):
        where = f"image {index + 1} of {shown(source)}"
        _read_image(
            collector, listed.store.key(index), file, where=where, known=classes is not None
        )
    return collector.finish()


def _read_image(collector: Collector, name: bytes, file: Path, *, where: str, known: bool) -> None:
    image = collector.add_image(name, where=where, file=file)
    if image is not None and file.is_file():
        _read_lines(collector, image, file, known=known)


def labels_folder(images: Path) -> Path:
    """Folder of the text files of a folder of images: ``images`` in its path becomes ``labels``."""
    parts = list(images.parts)
    for place in reversed(range(len(parts))):
        if parts[place] == "images":
            other = Path(*parts[:place], "labels", *parts[place + 1 :])
            if other.is_dir():
                return other
    return images


def class_names(names: Any, file: Path) -> list[str]:
    """The classes of a data.yaml: a list, or numbers with names.

    Raises:
        DataError: They are neither.
    """
    if isinstance(names, Mapping) and sorted(names) == list(range(len(names))):
        names = [names[index] for index in range(len(names))]
    whole = isinstance(names, list) and names and all(type(n) in (str, int) for n in names)
    if not whole or len({str(name) for name in names}) != len(names):
        raise DataError(
            f"{shown(file)}: names must list the classes, each once, in the order of their "
            f"numbers, but it is {str(names)[:60]}."
        )
    return [str(name) for name in names]


def _classes(images: Path, labels: Path) -> list[str]:
    for folder in (labels, images, labels.parent, images.parent, images.parent.parent):
        for name in NAMES:
            if (folder / name).is_file():
                text = (folder / name).read_text(encoding="utf-8-sig", errors="replace")
                return class_names([x.strip() for x in text.splitlines() if x.strip()], folder)
    return []


def _read_lines(collector: Collector, image: int, file: Path, *, known: bool) -> None:
    """The objects of one image."""
    try:
        if file.stat().st_size > MAX_BYTES:
            collector.complain("its size", "the file is too large for the labels of an image", file)
            return
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        collector.complain("its text", f"it cannot be read as UTF-8: {error}", file)
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            _read_line(collector, image, line.split(), f"line {number}", file, known=known)


def _read_line(
    collector: Collector, image: int, words: list[str], where: str, file: Path, *, known: bool
) -> None:
    if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
        collector.complain(
            where,
            f"it has {len(words)} values, but a box has five (class x y width height) and an "
            "outline an odd number of at least seven",
            file,
        )
        return
    label, values = _numbers(words)
    if label is None or values is None:
        said = " ".join(words[:5])
        collector.complain(where, f"{said!r} is not a class index and finite numbers", file)
        return
    if not known:
        collector.classes += [str(i) for i in range(len(collector.classes), label + 1)]
    if label >= len(collector.classes):
        last = len(collector.classes) - 1
        collector.complain(where, f"its class is {label}, but the classes are 0 to {last}", file)
        return
    if len(values) != 4 and not all(-SLACK <= value <= 1 + SLACK for value in values):
        collector.complain(
            where, "its outline leaves the image: coordinates are shares from 0 to 1", file
        )
        return
    box, outline = _place(values, collector.sizes[image])
    collector.add(image, label, box, where=where, outline=outline, file=file)


def _numbers(words: list[str]) -> tuple[int | None, list[float] | None]:
    """Class index and coordinates, or None for what is no number."""
    try:
        label, values = float(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        return None, None
    # A detector of more classes than this would not fit into memory.
    whole = label.is_integer() and 0 <= label < 100_000
    return int(label) if whole else None, values if all(map(math.isfinite, values)) else None


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
