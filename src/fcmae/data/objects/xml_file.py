"""XML files of labels: read whole, and refused where they could do harm."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_DEPTH = 20
"""No label file of one image is deeper."""


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
