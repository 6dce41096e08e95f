"""Labels as COCO writes them: one JSON file with images, annotations and categories."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.numbers import numbers
from fcmae.errors import DataError

JsonEntry = dict[str, Any]


def read_coco(file: Path, root: Path | None = None) -> LabelledObjects:
    """Read a COCO file: boxes, polygons, runs of pixels, crowd regions.

    Args:
        file: The JSON file.
        root: The folder of its images; by default the likeliest one that holds the first of them.

    Raises:
        DataError: The file is not COCO's at all. What is wrong with single labels becomes problems.
    """
    content = _content(file)
    images, annotations = content["images"], content["annotations"]
    if not images:
        raise DataError(f"{shown(file)} lists no images: its list 'images' is empty.")
    place_of, names = _categories(file, content["categories"])
    collector = Collector(
        file, root or _root(file, images), names, sorted(place_of, key=lambda i: place_of[i])
    )
    known, broken = _add_images(collector, images)
    _add_annotations(collector, annotations, known, broken, place_of)
    if not collector.sizes:
        some = f" The first: {collector.problems[0]}." if collector.problems else ""
        raise DataError(f"{shown(file)} names no image that can be used.{some}")
    return collector.finish()


def _content(file: Path) -> dict[str, list[Any]]:
    name = shown(file)
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{name}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not JSON: it is not text in UTF-8.") from error
    except RecursionError as error:
        raise DataError(f"{name} is nested too deeply to hold labels.") from error
    keys = ("images", "annotations", "categories")
    if not isinstance(content, dict):
        raise DataError(f"{name} holds no labels: COCO's JSON has the keys {', '.join(keys)}.")
    for key in keys:
        if not isinstance(content.get(key), list):
            raise DataError(
                f"{name} has no list {key!r}: COCO's JSON has the keys {', '.join(keys)}."
            )
    return {key: content[key] for key in keys}


def _categories(file: Path, categories: list[Any]) -> tuple[dict[int, int], list[str]]:
    """Index of each category's number, and their names, in the order of the numbers."""
    found: dict[int, str] = {}
    for position, entry in enumerate(categories):
        number = entry.get("id") if isinstance(entry, dict) else None
        name = entry.get("name") if isinstance(entry, dict) else None
        if not _is_number(number) or not isinstance(name, str) or not name:
            raise DataError(
                f"{shown(file)}, entry {position} of categories: a category needs a whole number "
                f"as id and a name, but it is {str(entry)[:80]}."
            )
        if number in found or name in found.values():
            raise DataError(
                f"{shown(file)}, category {number}: the id or the name {name!r} appears twice."
            )
        found[number] = name
    if not found:
        raise DataError(f"{shown(file)} has no categories.")
    ordered = sorted(found)
    return {number: index for index, number in enumerate(ordered)}, [found[n] for n in ordered]


def _root(file: Path, images: list[Any]) -> Path:
    """The folder that holds the images, by the usual ways of laying out files."""
    names = [e["file_name"] for e in images if isinstance(e, dict) and _is_text(e.get("file_name"))]
    part = file.stem.removeprefix("instances_")
    base = file.parent.parent if file.parent.name == "annotations" else file.parent
    folders = [base / part, base / "images" / part, base / "images", base, file.parent]
    for folder in folders:
        if any((folder / name).is_file() for name in names[:20]):
            return folder
    tried = ", ".join(shown(folder) for folder in dict.fromkeys(folders))
    first = f" (such as {names[0]})" if names else ""
    raise DataError(f"the images of {shown(file)}{first} are in none of {tried}.")


def _is_text(value: Any) -> bool:
    """True if a value can be the name of a file."""
    if not isinstance(value, str) or value == "" or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: Any) -> TypeGuard[int]:
    """True if a value is a whole number that tables can hold."""
    return type(value) is int and abs(value) < 2**63


def _entries(
    collector: Collector, entries: list[Any], what: str
) -> Iterator[tuple[str, JsonEntry]]:
    """Entries that have a number of their own, each with the words that name it."""
    seen: set[int] = set()
    for position, entry in enumerate(entries):
        number = entry.get("id") if isinstance(entry, dict) else None
        if not _is_number(number):
            collector.complain(f"entry {position} of {what}s", "its id is not a whole number")
        elif number in seen:
            collector.complain(f"{what} {number}", "the id appears twice")
        else:
            seen.add(number)
            yield f"{what} {number}", entry


def _add_images(collector: Collector, entries: list[Any]) -> tuple[dict[int, int], dict[int, int]]:
    """The place of each image by its number; of one that cannot be used, that of its problem."""
    known, broken = dict[int, int](), dict[int, int]()
    for where, entry in _entries(collector, entries, "image"):
        place = None
        height, width = entry.get("height"), entry.get("width")
        if not _is_text(entry.get("file_name")):
            collector.complain(where, "it has no file_name")
        elif not (_is_number(height) and _is_number(width) and min(height, width) > 0):
            collector.complain(
                where, f"height {height} and width {width} are not both whole numbers of pixels"
            )
        else:
            name = Path(entry["file_name"]).as_posix().encode("utf-8", "surrogateescape")
            place = collector.add_image(
                name, where=where, size=(height, width), image_id=entry["id"]
            )
        if place is None:
            broken[entry["id"]] = len(collector.problems) - 1
        else:
            known[entry["id"]] = place
    return known, broken


def _add_annotations(
    collector: Collector,
    entries: list[Any],
    known: dict[int, int],
    broken: dict[int, int],
    place_of: dict[int, int],
) -> None:
    for where, entry in _entries(collector, entries, "annotation"):
        image_id, category = entry.get("image_id"), entry.get("category_id")
        if _is_number(image_id) and image_id in broken:
            collector.pass_over(broken[image_id])
            continue
        if not _is_number(image_id) or image_id not in known:
            collector.complain(where, f"its image_id {image_id} is no image of the file")
            continue
        if not _is_number(category) or category not in place_of:
            collector.complain(where, f"its category_id {category} is no category of the file")
            continue
        box, area, crowd = numbers(entry.get("bbox"), 4), entry.get("area"), entry.get("iscrowd", 0)
        if box is None:
            said = str(entry.get("bbox"))[:60]
            collector.complain(where, f"its bbox is {said}, but must be x, y, width, height")
        elif area is not None and numbers([area], 1) is None:
            collector.complain(where, f"its area is {str(area)[:60]}, but must be a number")
        elif crowd not in (0, 1):
            collector.complain(where, f"its iscrowd is {str(crowd)[:60]}, but must be 0 or 1")
        else:
            left, top, width, height = box
            collector.add(
                known[image_id],
                place_of[category],
                (left, top, left + width, top + height),
                where=where,
                crowd=bool(crowd),
                outline=entry.get("segmentation") or None,
                area=None if area is None else float(area),
            )
