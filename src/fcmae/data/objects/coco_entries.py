"""Entries of a COCO file: their ids, the categories, the parts of an annotation."""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector
from fcmae.errors import DataError

JsonEntry = dict[str, Any]
CocoId: TypeAlias = int | str
"""Number of an image, annotation or category, or its text where that is no number."""

LIMIT = 2**63


def id_of(value: Any) -> CocoId | None:
    """An id as COCO has it: a whole number, also as 1.0 or "1", or else a text; None for others."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is str and value:
        whole = value.isascii() and value.isdecimal() and str(int(value[:19])) == value
        return int(value) if whole else value
    return value if type(value) is int and abs(value) < LIMIT else None


def pixels_of(value: Any) -> int | None:
    """A whole number of pixels above 0; 0 for what is not known; None for anything else."""
    if value is None:
        return 0
    number = id_of(value)
    return number if type(number) is int and 0 <= number < LIMIT else None


def is_text(value: Any) -> bool:
    """True if a value can be the name of a file."""
    if not isinstance(value, str) or value == "" or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def entries_of(
    collector: Collector, entries: list[Any], what: str
) -> Iterator[tuple[str, CocoId, JsonEntry]]:
    """Entries that have an id of their own, each with the words that name it."""
    seen: set[Hashable] = set()
    for position, entry in enumerate(entries):
        number = id_of(entry.get("id")) if isinstance(entry, dict) else None
        if number is None:
            where = f"entry {position} of {what}s"
            collector.complain(where, "its id is not a whole number, and not a text either")
        elif number in seen:
            collector.complain(f"{what} {number}", "the id appears twice")
        else:
            seen.add(number)
            yield f"{what} {number}", number, entry


def categories_of(file: Path, content: dict[str, list[Any]]) -> tuple[dict[CocoId, str], list[str]]:
    """The names of the categories by their ids, in the order of these, and what there is to say.

    The group of all others that Roboflow writes as category 0 is left out where nothing is in it.
    """
    found: dict[CocoId, str] = {}
    groups: dict[CocoId, str] = {}
    for position, entry in enumerate(content["categories"]):
        number = id_of(entry.get("id")) if isinstance(entry, dict) else None
        name = entry.get("name") if isinstance(entry, dict) else None
        if number is None or not isinstance(name, str) or not name:
            raise DataError(
                f"{shown(file)}, entry {position} of categories: a category needs a whole number "
                f"or text as id and a name, but it is {str(entry)[:80]}."
            )
        if number in found or name in found.values():
            raise DataError(
                f"{shown(file)}, category {number}: the id or the name {name!r} appears twice. "
                "Give both once, and their annotations one id."
            )
        found[number] = name
        groups[number] = str(entry.get("supercategory") or "none")
    if not found:
        raise DataError(f"{shown(file)} has no categories.")
    used = {id_of(e.get("category_id")) for e in content["annotations"] if isinstance(e, dict)}
    notes = []
    for number, name in list(found.items()):
        inside = [n for n in found if n != number and groups[n] == name]
        if inside and number not in used and groups[number] == "none":
            del found[number]
            notes.append(
                f"category {number} ({name}) is left out: it is the group of others, and nothing "
                "is labelled with it"
            )
    ordered = sorted(found, key=lambda number: (isinstance(number, str), number))
    return {number: found[number] for number in ordered}, notes
