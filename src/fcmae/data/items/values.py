"""Labels or numbers of items, given or from the targets of a data set, as a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fcmae.data.image_list import ImageList
from fcmae.data.items.classes import names_of
from fcmae.data.items.find import as_data, store_of
from fcmae.data.items.held import NOTHING
from fcmae.data.items.scan import scan
from fcmae.data.items.store import ItemStore
from fcmae.data.options import Loader
from fcmae.data.source import ImageData, described
from fcmae.data.values import ValueAnnotations, is_strange, why_mixed
from fcmae.data.values_sheet import LARGEST, ValueKind
from fcmae.errors import DataError
from fcmae.flags import option

WAYS = (
    "give fcmae.ImageData(images, values={'NAME': numbers}), or a data set whose items are (image, "
    "target), with a number, a vector or a dict of numbers as the target"
)


def value_items(source: object, kind: ValueKind | None, loader: Loader | None = None) -> ImageList:
    """The images of an array, a list or a data set with their values.

    Args:
        source: The images.
        kind: What the values are; by default labels where all known ones are 0 or 1.
        loader: How many processes read the items of a data set.

    Raises:
        DataError: There are no values, or not in a form that is known.
    """
    data = as_data(source)
    store = store_of(data)
    if data.values is not None:
        names, table = _given(data)
    else:
        found = scan(store, _row, loader)
        store = found.store
        names, table = _from_targets(found.told, data, store)
    too_large = np.argwhere(np.isinf(table) | (np.abs(table) > LARGEST))
    if len(too_large):
        row, column = too_large[0].tolist()
        raise DataError(
            f"{store.name(row)} of {store.called}: {names[column]} is {table[row, column]:g}, but "
            "must be finite, or NaN where it is not known."
        )
    values = table.astype(np.float32)
    if not np.isfinite(values).any():
        raise DataError(f"{described(source)} holds no value: {WAYS}.")
    annotations = ValueAnnotations(table=values, kind=_kind_of(names, values, kind, store))
    return ImageList(store=store, classes=names, annotations=annotations)


def _kind_of(
    names: tuple[str, ...], table: NDArray[np.float32], kind: ValueKind | None, store: ItemStore
) -> ValueKind:
    strange = is_strange(table)
    if kind == "labels" and strange.any():
        row, column = np.argwhere(strange)[0].tolist()
        raise DataError(
            f"{store.name(row)} of {store.called}: {names[column]} is {table[row, column]:g}, but "
            f"a label is 0 or 1 (or NaN): numbers need {option('kind', 'numbers')}."
        )
    if kind is None and (mix := why_mixed(names, table)) is not None:
        raise DataError(f"{store.name(mix[0])} of {store.called}: {mix[1]}.")
    return kind or ("numbers" if strange.any() else "labels")


def _given(data: ImageData) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Columns by name, such as a dict or a DataFrame has, a matrix or a vector."""
    if hasattr(data.values, "items"):
        columns = {str(name): _numbers(column, str(name)) for name, column in data.values.items()}
        wrong = [name for name, column in columns.items() if column.shape != (len(data),)]
        if wrong:
            raise DataError(
                f"the values {wrong[0]} have the shape {columns[wrong[0]].shape}, but there are "
                f"{len(data)} images: give one for each."
            )
        return tuple(columns), np.stack(list(columns.values()), axis=1)
    table = _numbers(data.values, "values")
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != len(data):
        raise DataError(
            f"values have the shape {table.shape}, but there are {len(data)} images: give one row "
            "for each."
        )
    return _names(data, table.shape[1]), table


def _row(store: ItemStore, index: int) -> dict[str, float] | list[float]:
    """The numbers of an item's target."""
    name, target = f"{store.name(index)} of {store.called}", store.target(index)
    if target is NOTHING:
        raise DataError(f"{name} has no values: {WAYS}.")
    if isinstance(target, Mapping):
        return {str(key): float(_one(value, f"{key} of {name}")) for key, value in target.items()}
    row: list[float] = np.atleast_1d(_numbers(target, f"the target of {name}")).tolist()
    return row


def _from_targets(
    rows: list[dict[str, float] | list[float] | None], data: ImageData, store: ItemStore
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """A column for each name that a target has, or for each place of a vector."""
    known = [row for row in rows if row is not None]
    if not known:
        raise DataError(
            f"no item of {store.called} can be read: {next(iter(store.faults.values()))}."
        )
    by_name = [row if isinstance(row, dict) else {} for row in rows]
    if all(isinstance(row, dict) for row in known):
        names = tuple(dict.fromkeys(name for row in by_name for name in row))
        named = [[row.get(name, np.nan) for name in names] for row in by_name]
        return names, np.array(named, dtype=np.float64)
    widths = {len(row) for row in known}
    if len(widths) > 1 or any(by_name):
        raise DataError(f"the items of {store.called} have targets of several forms: {WAYS}.")
    width = widths.pop()
    filled = [[np.nan] * width if row is None else row for row in rows]
    return _names(data, width), np.array(filled, dtype=np.float64)


def _names(data: ImageData, number: int) -> tuple[str, ...]:
    """Names of the columns, by default numbered."""
    told = names_of(data) if data.classes is not None else None
    names = list(told.values()) if isinstance(told, Mapping) else told
    if names is None:
        return tuple(f"value_{i}" for i in range(number)) if number > 1 else ("value",)
    if len(names) != number:
        raise DataError(f"classes names {len(names)} values, but there are {number} of each image.")
    return tuple(map(str, names))


def _one(value: Any, name: str) -> float:
    array = _numbers(value, name)
    if array.size != 1:
        raise DataError(f"{name} has the shape {array.shape}, but must be one number.")
    return float(array.reshape(()))


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} must be numbers, but is {str(values)[:60]!r}: {WAYS}.")
    return array.astype(np.float64)
