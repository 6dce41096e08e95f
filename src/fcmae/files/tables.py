"""One row per image, as CSV, Parquet or NumPy, whichever the file's name says."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.files.durable import STAGING, replace, storage_errors, write_text

ENDINGS = (".csv", ".parquet", ".npz")

TableColumns = Mapping[str, NDArray[Any] | Sequence[str]]
"""A list or a vector is a column; a matrix is one row of numbers per image."""


def write_table(path: Path, columns: TableColumns) -> None:
    """Write the columns into a file that is whole or does not exist."""
    ending = path.suffix.lower()
    if ending == ".csv":
        write_text(path, _as_csv(columns))
        return
    staged = path.with_name(f"{STAGING}{path.name}")
    with storage_errors(path):
        try:
            if ending == ".npz":
                with staged.open("wb") as file:
                    np.savez(file, **_arrays(columns))
            else:
                _write_parquet(staged, columns)
            replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def _arrays(columns: TableColumns) -> dict[str, Any]:
    return {name: np.asarray(column) for name, column in columns.items()}


def _as_csv(columns: TableColumns) -> str:
    flat: dict[str, Sequence[Any]] = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and column.ndim == 2:
            flat |= {f"{name}_{i}": column[:, i].tolist() for i in range(column.shape[1])}
        else:
            flat[name] = column.tolist() if isinstance(column, np.ndarray) else column
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(flat)
    writer.writerows(zip(*flat.values(), strict=True))
    return text.getvalue()


def _write_parquet(path: Path, columns: TableColumns) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and column.ndim == 2:
            values = pa.array(np.ascontiguousarray(column).reshape(-1))
            arrays[name] = pa.FixedSizeListArray.from_arrays(values, column.shape[1])
        else:
            arrays[name] = pa.array(column)
    pq.write_table(pa.table(arrays), path)
