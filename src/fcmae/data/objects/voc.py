"""Labels as Pascal VOC writes them: an XML file for each image."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcmae.data.folders import names_in
from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.conventions import refuse_other_convention, refuse_shares
from fcmae.data.objects.rows import BoxCorners
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.data.objects.xml_file import BadXml, Element, parse_xml
from fcmae.errors import DataError

MAX_BYTES = 16 * 2**20
"""No label file of one image is larger."""

YES = ("1", "true", "yes")
"""Words for an object that is difficult."""


class VocObject(NamedTuple):
    """An object as it is written: pixels are counted from 1, and the last is included."""

    image: int
    label: int
    corners: BoxCorners
    outline: list[list[float]] | None
    difficult: bool
    where: str
    file: Path


def read_voc(
    files: Sequence[Path],
    *,
    source: Path,
    images: Path,
    classes: Sequence[str] | None = None,
    rules: LabelRules = AS_WRITTEN,
) -> LabelledObjects:
    """Read the XML files of images, one for each.

    Boxes count pixels from 1 and include the last. Objects marked as difficult become crowd
    regions: nobody learns from them, and whoever finds them is neither right nor wrong.

    Args:
        files: The XML files.
        source: The folder that people know them by.
        images: The folder of the images.
        classes: Names of the classes; by default those that appear, by the alphabet.
        rules: What becomes of labels that may be taken in several ways.

    Raises:
        DataError: No file can be used, or boxes are written in another way.
    """
    collector = Collector(source, images, [], rules=rules)
    parsed = [(file, root) for file in files if (root := _parse(collector, file)) is not None]
    found = {o.value("name") for _, root in parsed for o in root.all("object")} - {""}
    collector.classes += sorted(found) if classes is None else classes
    place_of = {name: index for index, name in enumerate(collector.classes)}
    named = _by_stem(collector.root)
    objects = [
        one for file, root in parsed for one in _objects(collector, file, root, place_of, named)
    ]
    _check_boxes(collector, objects)
    for one in objects:
        left, top, right, bottom = one.corners
        collector.add(
            one.image,
            one.label,
            (left - 1, top - 1, right, bottom),
            where=one.where,
            crowd=one.difficult,
            outline=one.outline,
            file=one.file,
        )
    if not collector.sizes:
        some = f" The first problem: {collector.problems[0]}." if collector.problems else ""
        raise DataError(f"no XML file of {shown(source)} can be used.{some}")
    return collector.finish()


def _parse(collector: Collector, file: Path) -> Element | None:
    try:
        if file.stat().st_size > MAX_BYTES:
            collector.complain("its size", "the file is too large for the labels of an image", file)
            return None
        root = parse_xml(file.read_bytes())
    except BadXml as error:
        where, _, reason = str(error).partition(": ")
        collector.complain(where, reason, file)
        return None
    except OSError as error:
        collector.complain("its text", f"it cannot be read: {error.strerror}", file)
        return None
    if root.tag != "annotation":
        collector.complain(
            f"line {root.line}", f"it begins with <{root.tag}>, but must with <annotation>", file
        )
        return None
    return root


def _objects(
    collector: Collector,
    file: Path,
    root: Element,
    place_of: dict[str, int],
    named: dict[str, str],
) -> list[VocObject]:
    """The objects of an XML file, whose image is taken in."""
    name = _image_name(file, root, named)
    size = next(root.all("size"), None)
    told = None if size is None else (_whole(size.value("height")), _whole(size.value("width")))
    where = f"line {root.line if size is None else size.line}"
    # Some programs write 0 for a size that they do not know.
    whole = None if told is None or not told[0] or not told[1] else (told[0], told[1])
    image = collector.add_image(name, where=where, size=whole, file=file)
    found: list[VocObject] = []
    for thing in root.all("object") if image is not None else ():
        here = f"line {thing.line}"
        label, corners = place_of.get(thing.value("name")), _corners(thing)
        if label is None:
            said = thing.value("name")
            collector.complain(here, f"its class {said!r} is not among the classes", file)
        elif corners is None:
            rotated = next(thing.all("robndbox"), None)
            turned = "; a rotated box (<robndbox>) is not read" if rotated else ""
            reason = f"it has no <bndbox> with four numbers xmin, ymin, xmax, ymax{turned}"
            collector.complain(here, reason, file)
        else:
            assert image is not None
            difficult = thing.value("difficult").lower() in YES
            outline = _outline(thing)
            if outline is None and next(thing.all("polygon"), None):
                collector.note("polygons of no known form, passed over", f"{shown(file)}, {here}")
            found.append(VocObject(image, label, corners, outline, difficult, here, file))
    return found


def _check_boxes(collector: Collector, objects: list[VocObject]) -> None:
    """Refuse boxes that are shares of the image, or sizes instead of corners."""
    boxes = np.array([one.corners for one in objects]).reshape(-1, 4)
    source = shown(collector.source)
    refuse_shares(boxes, source=source)
    sizes = collector.sizes_of([one.image for one in objects])
    refuse_other_convention(boxes, sizes, expected="x1, y1, x2, y2", source=source)


def _by_stem(images: Path) -> dict[str, str]:
    """The files in a folder that may be images, by their names without the ending."""
    found: dict[str, str] = {}
    for name in names_in(images) if images.is_dir() else ():
        found.setdefault(name, name)
        found.setdefault(os.path.splitext(name)[0], name)
    return found


def _image_name(file: Path, root: Element, named: dict[str, str]) -> bytes:
    """The image's file: the one that the XML names, or else one with the XML's own name."""
    said = root.value("filename").replace("\\", "/").rpartition("/")[2]
    name = named.get(said) or named.get(file.stem) or said or file.stem
    return name.encode("utf-8", "surrogateescape")


def _corners(thing: Element) -> BoxCorners | None:
    """The numbers of a box as they are written."""
    box = next(thing.all("bndbox"), None)
    values = box and [_number(box.value(name)) for name in ("xmin", "ymin", "xmax", "ymax")]
    if not values or None in values:
        return None
    left, top, right, bottom = (value for value in values if value is not None)
    return left, top, right, bottom


def _outline(thing: Element) -> list[list[float]] | None:
    """The corners of a polygon: x1, y1, x2, y2, ..., as Roboflow has them, or pt with x and y."""
    polygon = next(thing.all("polygon"), None)
    if polygon is None:
        return None
    texts = [point.value(axis) for point in polygon.all("pt") for axis in ("x", "y")]
    if not texts:
        numbers = (re.fullmatch(r"x(\d+)", child.tag) for child in polygon.children)
        order = sorted(int(match[1]) for match in numbers if match)
        texts = [polygon.value(f"{axis}{number}") for number in order for axis in ("x", "y")]
    values = [_number(text) for text in texts]
    if not values or None in values:
        return None
    return [[value for value in values if value is not None]]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
