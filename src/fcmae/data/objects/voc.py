"""Labels as Pascal VOC writes them: an XML file for each image."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from fcmae.data.folders import names_in
from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.rows import BoxCorners
from fcmae.errors import DataError

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 20
"""No label file of one image is larger or deeper."""


@dataclass(kw_only=True)
class Element:
    """An element of an XML file, and the line on which it begins."""

    tag: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> Iterator["Element"]:
        """The elements of this name directly inside."""
        return (child for child in self.children if child.tag == tag)

    def value(self, tag: str) -> str:
        """The text of the first element of this name, or nothing."""
        return next((child.text.strip() for child in self.all(tag)), "")


class BadXml(ValueError):  # noqa: N818 - the file is at fault
    """The text is not XML, or XML that could do harm."""


def read_voc(
    files: Sequence[Path], *, source: Path, images: Path, classes: Sequence[str] | None = None
) -> LabelledObjects:
    """Read the XML files of images, one for each.

    Boxes count pixels from 1 and include the last. Objects marked as difficult become crowd
    regions: nobody learns from them, and whoever finds them is neither right nor wrong.

    Args:
        files: The XML files.
        source: The folder that people know them by.
        images: The folder of the images.
        classes: Names of the classes; by default those that appear, by the alphabet.

    Raises:
        DataError: No file can be used.
    """
    collector = Collector(source, images, [])
    parsed = [(file, root) for file in files if (root := _parse(collector, file)) is not None]
    found = {o.value("name") for _, root in parsed for o in root.all("object")} - {""}
    collector.classes += sorted(found) if classes is None else classes
    place_of = {name: index for index, name in enumerate(collector.classes)}
    named = _by_stem(collector.root)
    for file, root in parsed:
        _add(collector, file, root, place_of, named)
    if not collector.sizes:
        some = f" The first problem: {collector.problems[0]}." if collector.problems else ""
        raise DataError(f"no XML file of {shown(source)} can be used.{some}")
    return collector.finish()


def parse_xml(text: bytes) -> Element:
    """The root of an XML text. Declarations of entities, by which a few bytes can grow into
    gigabytes or reach other files, are refused with the document type that holds them.

    Raises:
        BadXml: The text is not XML, or not of this simple kind.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = Element(tag="", line=0)
    open_elements = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > MAX_DEPTH:
            raise BadXml(f"line {parser.CurrentLineNumber}: it is nested too deeply for labels")
        element = Element(tag=tag, line=parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def characters(text: str) -> None:
        open_elements[-1].text += text

    def refuse(*_: object) -> None:
        raise BadXml(
            f"line {parser.CurrentLineNumber}: it declares a document type, which labels need not"
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: open_elements.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise BadXml(f"line {error.lineno}: not XML: {what}") from error
    except BadXml:
        raise
    except (ValueError, LookupError) as error:
        raise BadXml(f"line 1: its encoding cannot be read ({error}): save it as UTF-8") from error
    return top.children[0]


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


def _add(
    collector: Collector,
    file: Path,
    root: Element,
    place_of: dict[str, int],
    named: dict[str, str],
) -> None:
    """The image of an XML file and its objects."""
    name = _image_name(file, root, named)
    size = next(root.all("size"), None)
    told = None if size is None else (_whole(size.value("height")), _whole(size.value("width")))
    where = f"line {root.line if size is None else size.line}"
    # Some programs write 0 for a size that they do not know.
    whole = None if told is None or not told[0] or not told[1] else (told[0], told[1])
    image = collector.add_image(name, where=where, size=whole, file=file)
    if image is None:
        return
    for thing in root.all("object"):
        here = f"line {thing.line}"
        label = place_of.get(thing.value("name"))
        box = _box(thing)
        if label is None:
            said = thing.value("name")
            collector.complain(here, f"its class {said!r} is not among the classes", file)
        elif box is None:
            collector.complain(
                here, "it has no <bndbox> with four numbers xmin, ymin, xmax, ymax", file
            )
        else:
            difficult = thing.value("difficult") == "1"
            collector.add(image, label, box, where=here, crowd=difficult, file=file)


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


def _box(thing: Element) -> BoxCorners | None:
    corners = next(thing.all("bndbox"), None)
    if corners is None:
        return None
    try:
        left, top, right, bottom = (
            float(corners.value(name)) for name in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        return None
    if not all(abs(value) < 1e9 for value in (left, top, right, bottom)):
        return None
    return left - 1, top - 1, right, bottom


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
