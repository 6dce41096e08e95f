"""Labels as COCO writes them: one JSON file with images, annotations and categories."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fcmae.data.listing import PARTS
from fcmae.data.naming import shown
from fcmae.data.objects.coco_entries import (
    CocoId,
    JsonEntry,
    categories_of,
    entries_of,
    id_of,
    is_text,
    pixels_of,
)
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.conventions import refuse_other_convention, refuse_shares
from fcmae.data.objects.numbers import numbers
from fcmae.data.objects.outlines import bounds_of, why_not_outline
from fcmae.data.objects.places import ImagePlace, find_place
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.errors import DataError

LOOKED_AT = 20_000
"""Of so many boxes and more, some are looked at to tell what their numbers mean."""

NO_BOUNDS = (float("nan"),) * 4


class CocoObject(NamedTuple):
    """An annotation of a known image and category; x, y, width and height as they are written."""

    where: str
    image: int
    label: int
    box: list[float]
    crowd: bool
    outline: Any
    area: float | None


def read_coco(
    file: Path, root: Path | None = None, rules: LabelRules = AS_WRITTEN
) -> LabelledObjects:
    """Read a COCO file: boxes, polygons, runs of pixels, crowd regions.

    Args:
        file: The JSON file.
        root: The folder of its images; by default the likeliest one that holds the first of them.
        rules: What becomes of labels that may be taken in several ways.

    Raises:
        DataError: The file is not COCO's at all, or its boxes are written in another way. What is
            wrong with single labels becomes problems.
    """
    content = _content(file)
    images, annotations = content["images"], content["annotations"]
    if not images:
        raise DataError(f"{shown(file)} lists no images: its list 'images' is empty.")
    names, notes = categories_of(file, content)
    place = _place(file, root, images)
    ids = [n for n in names if isinstance(n, int)]
    collector = Collector(
        file,
        place.folder,
        list(names.values()),
        ids if len(ids) == len(names) else None,
        rules=rules,
    )
    for note in (*notes, *filter(None, [place.note])):
        collector.note(note)
    known, broken = _add_images(collector, images, place)
    label_of = {number: index for index, number in enumerate(names)}
    found = _objects(collector, annotations, known, broken, label_of)
    _check_boxes(collector, found)
    for one in found:
        left, top, width, height = one.box
        collector.add(
            one.image,
            one.label,
            (left, top, left + width, top + height),
            where=one.where,
            crowd=one.crowd,
            outline=one.outline,
            area=one.area,
        )
    if not collector.sizes:
        some = f" The first: {collector.problems[0]}." if collector.problems else ""
        raise DataError(f"{shown(file)} names no image that can be used.{some}")
    return collector.finish()


def _content(file: Path) -> dict[str, list[Any]]:
    name = shown(file)
    try:
        content = json.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
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


def _place(file: Path, root: Path | None, images: list[Any]) -> ImagePlace:
    """The folder that holds the images, by the usual ways of laying out files."""
    names = [name for e in images if isinstance(e, dict) and is_text(name := _file_name(e))]
    if root is not None:
        return find_place(names, [root], called=shown(file))
    part = file.stem.removeprefix("instances_")
    parts = [w for words in PARTS.values() for w in words if w in part.lower()]
    base = file.parent.parent if file.parent.name == "annotations" else file.parent
    inside = [folder / name for name in (part, *parts) for folder in (base, base / "images")]
    folders = [*inside, base / "images", base, file.parent, base / "data"]
    return find_place(names, folders, beside=[base, file.parent], called=shown(file))


def _file_name(entry: JsonEntry) -> Any:
    """The name of an image's file; LVIS has its address only."""
    return entry.get("file_name") or entry.get("coco_url")


def _add_images(
    collector: Collector, entries: list[Any], place: ImagePlace
) -> tuple[dict[CocoId, int], dict[CocoId, int]]:
    """The place of each image by its id; of one that cannot be used, that of its problem."""
    known, broken = dict[CocoId, int](), dict[CocoId, int]()
    numbered = all(isinstance(e, dict) and type(id_of(e.get("id"))) is int for e in entries)
    for where, number, entry in entries_of(collector, entries, "image"):
        index = None
        height, width = pixels_of(entry.get("height")), pixels_of(entry.get("width"))
        if not is_text(_file_name(entry)):
            collector.complain(where, "it has no file_name")
        elif height is None or width is None:
            said = f"height {entry.get('height')} and width {entry.get('width')}"
            collector.complain(where, f"{said} are not both whole numbers of pixels")
        else:
            told = (height, width) if height and width else None
            if told is None:
                collector.note("images of no size in the labels, which their files tell", where)
            name = place.name(_file_name(entry)).encode("utf-8", "surrogateescape")
            image_id = number if numbered and isinstance(number, int) else None
            index = collector.add_image(name, where=where, size=told, image_id=image_id)
        if index is None:
            broken[number] = len(collector.problems) - 1
        else:
            known[number] = index
    return known, broken


def _objects(
    collector: Collector,
    entries: list[Any],
    known: Mapping[CocoId, int],
    broken: Mapping[CocoId, int],
    label_of: Mapping[CocoId, int],
) -> list[CocoObject]:
    found = []
    for where, _, entry in entries_of(collector, entries, "annotation"):
        image_id, category = id_of(entry.get("image_id")), id_of(entry.get("category_id"))
        if image_id is not None and image_id in broken:
            collector.pass_over(broken[image_id])
        elif image_id is None or image_id not in known:
            said = entry.get("image_id")
            collector.complain(where, f"its image_id {said} is no image of the file")
        elif category is None or category not in label_of:
            said = entry.get("category_id")
            collector.complain(where, f"its category_id {said} is no category of the file")
        else:
            one = _object(collector, where, entry, known[image_id], label_of[category])
            found += [] if one is None else [one]
    return found


def _object(
    collector: Collector, where: str, entry: JsonEntry, image: int, label: int
) -> CocoObject | None:
    """An annotation whose numbers are numbers; what is wrong with another one is noted."""
    box, area, outline = entry.get("bbox"), entry.get("area"), entry.get("segmentation") or None
    crowd = entry.get("iscrowd") or entry.get("ignore") or 0
    size = collector.sizes[image]
    if not box and outline is not None and why_not_outline(outline, size) is None:
        left, top, right, bottom = bounds_of(outline, size)
        box = [left, top, right - left, bottom - top]
        collector.note("annotations without a bbox, which their outline gives", where)
    four = numbers(box, 4)
    if four is None:
        said = str(entry.get("bbox"))[:60]
        collector.complain(where, f"its bbox is {said}, but must be x, y, width, height")
    elif area is not None and numbers([area], 1) is None:
        collector.complain(where, f"its area is {str(area)[:60]}, but must be a number")
    elif crowd not in (0, 1):
        collector.complain(where, f"its iscrowd is {str(crowd)[:60]}, but must be 0 or 1")
    else:
        known_area = None if area is None else float(area)
        return CocoObject(where, image, label, four, bool(crowd), outline, known_area)
    return None


def _check_boxes(collector: Collector, found: list[CocoObject]) -> None:
    """Refuse boxes that are shares of the image, or corners, or centres."""
    source = shown(collector.source)
    refuse_shares(np.array([one.box for one in found]).reshape(-1, 4), source=source)
    found = found[:: 1 + len(found) // LOOKED_AT]
    boxes = np.array([one.box for one in found]).reshape(-1, 4)
    sizes = collector.sizes_of([one.image for one in found])
    bounds = [NO_BOUNDS] * len(found)
    for place, one in enumerate(found):
        size = collector.sizes[one.image]
        if isinstance(one.outline, list) and why_not_outline(one.outline, size) is None:
            bounds[place] = bounds_of(one.outline, size)
    refuse_other_convention(
        boxes,
        sizes,
        expected="x, y, width, height",
        source=source,
        areas=np.array([np.nan if one.area is None else one.area for one in found]),
        bounds=np.array(bounds).reshape(-1, 4),
    )
