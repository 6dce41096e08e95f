"""From a source to images with several labels or numbers each."""

import numpy as np
from numpy.typing import NDArray

from fcmae.data.held_out import hold_out
from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource, described, is_held, sole_path
from fcmae.data.values import some_of, values_of
from fcmae.data.values_list import UNFILLED, read_values
from fcmae.data.values_sheet import ValueKind
from fcmae.errors import DataError


def split_values(
    source: ImageSource,
    val: ImageSource | None,
    kind: ValueKind | None,
    *,
    share: float,
    loader: Loader | None = None,
    unknown: float | None = None,
) -> tuple[ImageList, ImageList]:
    """Images with values to train on and to validate on, with the same columns.

    Taken are: ``val`` where it is named; else what the column ``split`` says; else a share of the
    images is held out, chosen by the hash of each name.

    Args:
        source: The images.
        val: Those to validate on.
        kind: What the values are; by default what they look like.
        share: How many are held out where there are none to validate on.
        loader: How many processes read the items of a data set.
        unknown: A number that stands for a value that is not known.
    """
    images, parts = _read(source, kind, loader, unknown)
    if val is not None:
        train = images.share(_of_part(parts, "train", source))
        held_out, others = _read(val, values_of(images).kind, loader, unknown)
        held_out = held_out.subset(_of_part(others, "val", val))
        held_out = _in_order_of(images.classes or (), held_out, val)
    elif "val" in parts:
        train = images.share(_of_part(parts, "train", source))
        held_out = images.subset(_of_part(parts, "val", source))
    else:
        called = "" if is_held(source) else f"the list {described(source)}"
        train = images.share(_of_part(parts, "train", source))
        train, held_out = hold_out(train, share, called=called)
    _check_columns(train, source)
    return train, held_out


def evaluation_values(
    source: ImageSource,
    kind: ValueKind,
    names: tuple[str, ...],
    *,
    loader: Loader | None = None,
    unknown: float | None = None,
) -> ImageList:
    """Images with a model's values: those to validate on, where a column ``split`` tells."""
    images, parts = _read(source, kind, loader, unknown)
    return _in_order_of(names, images.subset(_of_part(parts, "val", source)), source)


def _read(
    source: ImageSource, kind: ValueKind | None, loader: Loader | None, unknown: float | None
) -> tuple[ImageList, list[str]]:
    """The images of a source with their values, and what the column ``split`` says of each."""
    if is_held(source):
        from fcmae.data.items.values import value_items

        images = value_items(source, kind, loader, unknown)
        return images, [""] * len(images)
    source = sole_path(source, "several labels or numbers")
    listed = read_values(source, kind, unknown)
    if listed.problems:
        first, others = listed.problems[0], len(listed.problems) - 1
        more = (
            f" `fcmae check {shown(source)} --task values` lists {others} more." if others else ""
        )
        raise DataError(f"{first}.{more}")
    return listed.images, listed.splits


def _of_part(parts: list[str], part: str, source: ImageSource) -> NDArray[np.int64]:
    """The lines of a part; all where there is no column for it."""
    if not any(parts):
        return np.arange(len(parts))
    chosen = [i for i, name in enumerate(parts) if name == part]
    if not chosen:
        raise DataError(f"the column split of {described(source)} has no line with {part}.")
    return np.array(chosen, dtype=np.int64)


def _in_order_of(names: tuple[str, ...], images: ImageList, source: ImageSource) -> ImageList:
    """The same images, with the columns that a model has; refuse others."""
    unknown = [name for name in images.classes or () if name not in names]
    if unknown:
        what = "labels" if values_of(images).kind == "labels" else "columns"
        raise DataError(
            f"{described(source)} has {what} that the model does not know: {some_of(unknown)}. It "
            f"knows {len(names)}: {some_of([*names])}."
        )
    return images.with_classes(names)


def _check_columns(images: ImageList, source: ImageSource) -> None:
    """Refuse a column from which no image to train on could teach anything."""
    columns = zip(images.classes or (), values_of(images).table.T, strict=True)
    empty = [name for name, column in columns if np.isnan(column).all()]
    if empty:
        raise DataError(f"the column {empty[0]} of {described(source)} {UNFILLED}.")
