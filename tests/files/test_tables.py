"""One row per image, in three formats that say the same."""

import csv
import importlib.util
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from fcmae.errors import StorageError
from fcmae.files.results import check_table, write_results
from fcmae.files.tables import write_table
from fcmae.files.written_files import record_name
from fcmae.setup.sources import find_all

RECORD = record_name("files")

COLUMNS = {
    "path": ["a.png", 'with "quotes", and commas.png'],
    "class_1": ["dune", "forest"],
    "probability_1": np.array([0.5, 0.25], dtype=np.float32),
    "features": np.array([[1.5, 2.0, -3.0], [0.0, 1e-8, 4.0]], dtype=np.float32),
}


def test_csv_has_a_column_per_number(tmp_path: Path) -> None:
    write_table(tmp_path / "x.csv", COLUMNS)
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == COLUMNS["path"]
    assert list(rows[0])[3:] == ["features_0", "features_1", "features_2"]
    features = [[float(row[f"features_{i}"]) for i in range(3)] for row in rows]
    np.testing.assert_array_equal(np.float32(features), COLUMNS["features"])


def test_numpy_keeps_the_matrix_and_needs_no_pickle(tmp_path: Path) -> None:
    write_table(tmp_path / "x.npz", COLUMNS)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["features"], COLUMNS["features"])
        assert saved["path"].tolist() == COLUMNS["path"]


def test_parquet_keeps_a_vector_per_row(tmp_path: Path) -> None:
    write_table(tmp_path / "x.parquet", COLUMNS)
    table = pyarrow.parquet.read_table(tmp_path / "x.parquet")
    assert table.column("path").to_pylist() == COLUMNS["path"]
    np.testing.assert_array_equal(
        np.float32(table.column("features").to_pylist()), COLUMNS["features"]
    )


def test_parquet_without_its_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"Parquet needs pyarrow: pip install 'fcmae\[parquet\]'"):
        check_table(Path("x.parquet"))


@pytest.mark.parametrize("ending", ["csv", "npz", "parquet"])
def test_a_table_that_cannot_be_written_is_a_storage_error(tmp_path: Path, ending: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_table(tmp_path / "file" / f"x.{ending}", COLUMNS)


@pytest.mark.parametrize("ending", ["csv", "npz", "parquet"])
def test_nothing_half_written_stays(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(tmp_path / f"x.{ending}", COLUMNS)
    before = (tmp_path / f"x.{ending}").read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fcmae.files.durable.sync_folder", full)
    monkeypatch.setattr("fcmae.files.durable.write_synced", full)
    monkeypatch.setattr("fcmae.files.tables.np.savez", full)
    monkeypatch.setattr("fcmae.files.tables._write_parquet", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_table(tmp_path / f"x.{ending}", {"path": ["other"]})
    assert [path.name for path in tmp_path.iterdir()] == [f"x.{ending}"]
    assert (tmp_path / f"x.{ending}").read_bytes() == before


def test_unusable_files_are_listed_beside_the_table(tmp_path: Path) -> None:
    write_results(tmp_path / "x.csv", COLUMNS, [("a.png", "damaged")])
    assert (tmp_path / "x-unusable.csv").read_text() == "path,reason\na.png,damaged\n"
    check_table(tmp_path / "x.csv")
    write_results(tmp_path / "x.csv", COLUMNS, [])
    assert {path.name for path in tmp_path.iterdir()} == {"x.csv", RECORD}


def test_sources_are_joined_and_each_file_comes_once(tmp_path: Path) -> None:
    for name in ("one/a.png", "one/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = find_all([tmp_path / "c.png", tmp_path / "one", tmp_path / "one" / "a.png"])
    assert [found.path(i) for i in range(len(found))] == [
        tmp_path / "c.png", tmp_path / "one/a.png", tmp_path / "one/b.png",
    ]  # fmt: skip


def test_a_table_is_not_written_over_what_it_is_made_of(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("path\na.png\n")
    said = f"out is {listed}, which is read too and would be written over: give another out=."
    with pytest.raises(ValueError, match=re.escape(said)):
        check_table(listed, sources=[tmp_path, tmp_path / "none", f"{listed}"])
    check_table(tmp_path / "other.csv", sources=[listed])


@pytest.mark.parametrize("name", ["found.csv", "found-unusable.csv"])
@pytest.mark.parametrize("changed", [False, True])
def test_files_of_others_are_not_written_over(name: str, changed: bool, tmp_path: Path) -> None:
    if changed:
        write_results(tmp_path / "found.csv", COLUMNS, [("a.png", "damaged")])
    (tmp_path / name).write_text("path,label\na.png,corrected\n")
    said = f"{tmp_path / name} is there already and was not written by an earlier call, or was"
    with pytest.raises(StorageError, match=re.escape(said)):
        check_table(tmp_path / "found.csv")
    check_table(tmp_path / "other.csv")


def test_tables_of_earlier_calls_are_known_beside_each_other(tmp_path: Path) -> None:
    for name in ("a.csv", "b.npz", "a.csv"):
        check_table(tmp_path / name)
        write_results(tmp_path / name, COLUMNS)
    for name in ("a.csv", "b.npz"):
        check_table(tmp_path / name)
    (tmp_path / RECORD).write_text("not\na record")
    with pytest.raises(StorageError, match=r"a\.csv is there already"):
        check_table(tmp_path / "a.csv")
