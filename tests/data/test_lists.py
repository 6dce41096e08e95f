"""Lists of images: what their columns, separators, paths and parts mean, and what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fcmae
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images, find_part, split
from fcmae.data.values import values_of
from fcmae.data.values_find import evaluation_values, split_values
from fcmae.errors import DataError
from fcmae.flags import written_as_flags
from fcmae.setup.sources import validation_images


@pytest.fixture(autouse=True)
def flags() -> Iterator[None]:
    """Messages as the command line shows them."""
    with written_as_flags():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with img/0.png to img/11.png, of different colours."""
    (tmp_path / "img").mkdir()
    for number in range(12):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "img" / f"{number}.png")
    return tmp_path


def write(root: Path, text: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    (root / name).write_bytes(text.encode(encoding))
    return root / name


def read(images: ImageList) -> list[tuple[str, str]]:
    """The name and class of each image."""
    assert images.labels is not None
    assert images.classes is not None
    return [(images.name(i), images.classes[k]) for i, k in enumerate(images.labels.tolist())]


TWO = [("img/0.png", "cat"), ("img/1.png", "dog")]
WRITTEN = {
    "semicolons": ("path;label\nimg/0.png;cat\nimg/1.png;dog\n", "list.csv", "utf-8"),
    "tabs": ("path\tlabel\nimg/0.png\tcat\nimg/1.png\tdog\n", "list.csv", "utf-8"),
    "a .tsv": ("path\tlabel\nimg/0.png\tcat\nimg/1.png\tdog\n", "list.tsv", "utf-8"),
    "Excel": ("sep=;\r\npath;label\r\nimg/0.png;cat\r\nimg/1.png;dog\r\n", "list.csv", "utf-8"),
    "quotes": ('"path","label"\n"img/0.png","cat"\n"img/1.png","dog"\n', "list.csv", "utf-8"),
    "UTF-16": ("path,label\nimg/0.png,cat\nimg/1.png,dog\n", "list.csv", "utf-16"),
    "no header": ("img/0.png,cat\nimg/1.png,dog\n", "list.csv", "utf-8"),
    "other names": ("image_path,species\nimg/0.png,cat\nimg/1.png,dog\n", "list.csv", "utf-8"),
    "ids": ("image_id,breed\n0,cat\n1,dog\n", "list.csv", "utf-8"),
    "ids in folders": ("id,class\nimg/0,cat\nimg/1,dog\n", "list.csv", "utf-8"),
    "other folder": ("image,label\n0.png,cat\n1.png,dog\n", "list.csv", "utf-8"),
    "Windows": ("path,label\nimg\\0.png,cat\nimg\\1.png,dog\n", "list.csv", "utf-8"),
    "columns of classes": ("image,cat,dog\n0,1.0,0.0\n1,0.0,1.0\n", "list.csv", "utf-8"),
    "text with spaces": ("img/0.png cat\nimg/1.png dog\n", "list.txt", "utf-8"),
    "text with tabs": ("img/0.png\tcat\n\nimg/1.png\tdog\n", "list.txt", "utf-8"),
    "text with names": ("path,label\nimg/0.png,cat\nimg/1.png,dog\n", "list.txt", "utf-8"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_lists_of_many_programs_are_read(name: str, root: Path) -> None:
    text, file, encoding = WRITTEN[name]
    assert read(find_images(write(root, text, file, encoding), labels=True)) == TWO


def test_a_path_that_exists_as_it_is_written_is_not_turned(root: Path) -> None:
    (root / "a\\0.png").write_bytes(b"x")
    images = find_images(write(root, "path\na\\0.png\nimg\\1.png\n"))
    assert [images.store.key(i) for i in range(2)] == [b"a\\0.png", b"img/1.png"]


def test_what_names_without_an_ending_are_read_as_is_told(root: Path) -> None:
    images = find_images(write(root, "image_id,label\n0,cat\n1,dog\n"), labels=True)
    assert images.notes == (f"{root}/list.csv names 0, which is read as img/0.png.",)


REFUSED = {
    "path,label\nimg/0.png,a\n./img/0.png,a\n": "line 3: the image img/0.png is on line 2 too: ",
    "path,label\nimg/0.png,a\nimg/0.png,b\n": "line 3: .* on line 2 too, as a and not b: keep one",
    "path,label\nimg/0.png,a\nimg/1.png,NaN\n": "line 3: label is 'NaN', which stands for no label",
    "path,label\nimg/0.png,0.25\nimg/1.png,0.5\n": r"numbers such as 0.25, .* finetune values",
    "path,labels\nimg/0.png,a;b\nimg/1.png,c\n": r"several labels for an image \(a;b\)",
    "path,target,breed\nimg/0.png,a,b\n": "has the columns target and breed: call the one",
    "path,a,b\nimg/0.png,1,1\nimg/1.png,0,1\n": "line 2: 2 of its columns are 1, but a class needs",
    "path,label\n/home/x/img/0.png,a\n": r"as on another machine\): .* such as img/0.png",
    "path,label\nC:\\x\\0.png,a\n": r"as on another machine\): write paths relative to",
    "id,label\n7,a\nx,b\n": "names 7, which may be img/7.png or other/7.jpg: write the whole path",
    "path,label,split\nimg/0.png,a,train\nimg/1.png,a,tain\n": "line 3: split is 'tain', but must",
    "path,label,split,is_valid\nimg/0.png,a,val,1\n": "columns split and is_valid: keep one",
    "path,label,fold\nimg/0.png,a,0\nimg/1.png,b,1\n": "a column fold, which holds the numbers 0",
    "path,label,is_test\nimg/0.png,a,0\n": "column is_test, which does not tell what to validate",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_list_that_may_mean_two_things_is_refused(text: str, root: Path) -> None:
    (root / "other").mkdir()
    Image.new("RGB", (8, 8)).save(root / "other/7.jpg")
    with pytest.raises(DataError, match=REFUSED[text]) as error:
        split(write(root, text))
    assert "\n" not in str(error.value)


def lines(column: str, parts: list[str]) -> str:
    rows = [f"img/{i}.png,{'ab'[i % 2]},{part}\n" for i, part in enumerate(parts)]
    return f"path,label,{column}\n" + "".join(rows)


PARTS = ["train"] * 6 + ["val"] * 2 + ["test"] * 4
COLUMNS = {
    "split": PARTS,
    "Set": [part.title() for part in PARTS],
    "partition": ["dev" if part == "val" else part for part in PARTS],
    "fold": PARTS,
    "is_valid": ["True" if part == "val" else "False" for part in PARTS],
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_tells_the_parts_of_a_list_of_classes(column: str, root: Path) -> None:
    source = write(root, lines(column, COLUMNS[column]))
    train, val = split(source)
    assert len(train) == (10 if column == "is_valid" else 6)
    assert [name for name, _ in read(val)] == ["img/6.png", "img/7.png"]
    assert [name for name, _ in read(validation_images(source))] == ["img/6.png", "img/7.png"]
    assert len(find_images(source, labels=False)) == 12


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_tells_the_parts_of_a_list_of_values(column: str, root: Path) -> None:
    text = lines(column, COLUMNS[column]).replace(",a,", ",0,").replace(",b,", ",1,")
    source = write(root, text.replace("label", "cat"))
    train, val = split_values(source, None, None, share=0.5)
    assert (train.classes, values_of(train).kind) == (("cat",), "labels")
    assert [len(train), len(val)] == [10 if column == "is_valid" else 6, 2]
    assert len(evaluation_values(source, "labels", ("cat",))) == 2


def test_without_a_part_to_validate_on_a_share_of_train_is_held_out(root: Path) -> None:
    parts = ["train"] * 8 + ["test"] * 4
    train, val = split(write(root, lines("split", parts)), share=0.25)
    held = {name for name, _ in read(train) + read(val)}
    assert held == {f"img/{number}.png" for number in range(8)}
    with pytest.raises(DataError, match=r"the column split of .* has no line with val"):
        find_part(root / "list.csv", "val")
    values = write(root, lines("split", parts).replace(",a,", ",0,").replace(",b,", ",1,"))
    values.write_text(values.read_text().replace("label", "cat"))
    train, val = split_values(values, None, None, share=0.25)
    assert [len(train), len(val)] == [6, 2]


def test_images_to_test_on_need_no_label_and_add_no_class(root: Path) -> None:
    text = "path,label,split\nimg/0.png,a,train\nimg/1.png,b,train\nimg/2.png,a,val\n"
    for last in ("img/3.png,,test\n", "img/3.png,zebra,test\n"):
        train, val = split(write(root, text + last))
        assert train.classes == val.classes == ("a", "b")
    with pytest.raises(DataError, match=r"1 of 4 lines of .* have no label .such as img/3.png"):
        split(write(root, text + "img/3.png,,train\n"))
    with pytest.raises(DataError, match="classes that the model does not know: zebra"):
        split(write(root, text + "img/3.png,zebra,val\n"))


def test_numbers_with_gaps_are_the_same_classes_as_without(root: Path) -> None:
    images = find_images(write(root, "path,label\nimg/0.png,10.0\nimg/1.png,9.0\n"), labels=True)
    assert images.classes == ("9", "10")


@pytest.mark.parametrize(("one", "other"), [("cat", "Cat"), ("sea ice", "sea_ice"), ("1", "01")])
def test_names_that_hardly_differ_are_told(one: str, other: str, root: Path) -> None:
    text = f"path,label\nimg/0.png,{one}\nimg/1.png,{other}\nimg/2.png,dog\n"
    [note] = find_images(write(root, text), labels=True).notes
    assert repr(one) in note
    assert repr(other) in note


def test_check_counts_the_parts_and_names_each_wrong_line(root: Path) -> None:
    text = lines("split", PARTS) + "img/0.png,a,train\nimg/1.png,a,val\nimg/9.png,c,tset\n"
    found = fcmae.check(data=write(root, text), loader={"workers": 0})
    assert [problem["where"] for problem in found.problems] == [
        "line 14", "line 15", "line 16", "line 16"
    ]  # fmt: skip
    found = fcmae.check(data=write(root, lines("split", PARTS)), loader={"workers": 0})
    assert (found.task, found.parts) == ("classify", {"train": 6, "val": 2, "test": 4})
    assert (found.classes, found.sound) == ({"a": 6, "b": 6}, True)


def test_check_names_a_class_that_only_val_has_and_a_single_one(root: Path) -> None:
    text = "path,label,split\nimg/0.png,a,train\nimg/1.png,a,train\nimg/2.png,yak,val\n"
    found = fcmae.check(data=write(root, text), loader={"workers": 0})
    assert [problem["where"] for problem in found.problems] == ["class a", "class yak"]


# Values.


def table(source: Path, **options: object) -> list[list[float | None]]:
    train, _ = split_values(source, source, None, share=0.5, **options)  # type: ignore[arg-type]
    rows = values_of(train).table.tolist()
    return [[None if np.isnan(value) else value for value in row] for row in rows]


CELLS: dict[str, tuple[str, list[list[float | None]]]] = {
    "words for unknown": ("path,a\nimg/0.png,NaN\nimg/1.png,3.5\n", [[None], [3.5]]),
    "decimal commas": ("path;a\nimg/0.png;0,5\nimg/1.png;3\n", [[0.5], [3]]),
    "tags by |": ("path,labels\nimg/0.png,a|b\nimg/1.png,a\n", [[1, 1], [1, 0]]),
    "ids": ("id,a\n0,0.5\n1,2\n", [[0.5], [2]]),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_cells_of_many_programs_are_read(name: str, root: Path) -> None:
    text, expected = CELLS[name]
    assert table(write(root, text)) == expected


UNCERTAIN = "path,a,b\nimg/0.png,1,0\nimg/1.png,-1,\nimg/2.png,0,1\n"


def test_minus_one_beside_zero_and_one_is_asked_about(root: Path) -> None:
    source = write(root, UNCERTAIN)
    with pytest.raises(DataError) as error:
        split_values(source, None, None, share=0.5)
    assert str(error.value) == (
        f"{source}, line 3: a is -1, and a hold only -1, 0 and 1, which may be labels or numbers: "
        "say --unknown -1 where -1 means not known, or --kind numbers where it is a number."
    )
    with pytest.raises(DataError, match=r"a label is 0 or 1 .or empty.: --unknown -1 takes it as"):
        split_values(source, None, "labels", share=0.5)
    assert table(source, unknown=-1.0) == [[1, 0], [None, None], [0, 1]]
    train, _ = split_values(source, source, "numbers", share=0.5)
    assert values_of(train).table[1, 0] == -1
    images = [Image.new("RGB", (8, 8))] * 3
    held = fcmae.ImageData(images, values={"a": [1, -1, 0]})
    with pytest.raises(DataError, match="say --unknown -1 where -1 means not known"):
        split_values(held, None, None, share=0.5)
    train, _ = split_values(held, held, None, share=0.5, unknown=-1.0)
    assert values_of(train).kind == "labels"


def test_a_column_of_words_is_named_once_with_the_way_out(root: Path) -> None:
    source = write(root, "path,sex,age\nimg/0.png,f,3\nimg/1.png,m,4\n")
    with pytest.raises(DataError, match=r"sex is 'f', .*, as all of this column are: leave the"):
        split_values(source, None, None, share=0.5)


def test_labels_with_commas_between_are_refused(root: Path) -> None:
    source = write(root, 'path,labels\nimg/0.png,"a, b"\nimg/1.png,a\n')
    with pytest.raises(DataError, match=r"has commas \(a, b\): write semicolons between"):
        split_values(source, None, None, share=0.5)


def test_columns_of_one_value_each_teach_nothing(root: Path, tmp_path: Path) -> None:
    source = write(root, "path,a\n" + "".join(f"img/{i}.png,1\n" for i in range(8)))
    with pytest.raises(DataError, match="has one value for all images to train on"):
        fcmae.finetune("values", data=source, out=tmp_path / "run", size=32)
