"""Several labels or numbers per image, from a list."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcmae.data.values import values_of
from fcmae.data.values_find import evaluation_values, split_values
from fcmae.errors import DataError


def write(folder: Path, text: str, count: int = 6) -> Path:
    for number in range(count):
        Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    path = folder / "list.csv"
    path.write_text(text)
    return path


def test_columns_of_zeros_and_ones_are_labels(tmp_path: Path) -> None:
    lines = "".join(f"{i}.png,{i % 2},{'' if i == 3 else 1}\n" for i in range(6))
    train, val = split_values(write(tmp_path, "path,cat,dog\n" + lines), None, None, share=0.34)
    assert (train.classes, len(train), len(val)) == (("cat", "dog"), 4, 2)
    for images in (train, val):
        values = values_of(images)
        assert values.kind == "labels"
        for index in range(len(images)):
            number = int(images.name(index)[0])
            expected = np.array([number % 2, np.nan if number == 3 else 1], dtype=np.float32)
            np.testing.assert_array_equal(values.read(index, (8, 8))["values"], expected)


def test_one_column_may_name_the_labels(tmp_path: Path) -> None:
    text = "file,split,labels\n0.png,train,cat; dog\n\n1.png,train,\n2.png,val,emu\n3.png,val,dog\n"
    train, val = split_values(write(tmp_path, text), None, None, share=0.5)
    assert train.classes == val.classes == ("cat", "dog", "emu")
    assert values_of(train).table.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert values_of(val).table.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_other_values_are_numbers(tmp_path: Path) -> None:
    source = write(tmp_path, "path,age,size\n0.png,3,0.5\n1.png,,-1e3\n2.png,7,1\n")
    train, val = split_values(source, source, None, share=0.5)
    assert values_of(train).kind == values_of(val).kind == "numbers"
    expected = np.array([[3, 0.5], [np.nan, -1000], [7, 1]], dtype=np.float32)
    np.testing.assert_array_equal(values_of(train).table, expected)


def test_a_models_columns_come_in_its_order(tmp_path: Path) -> None:
    source = write(tmp_path, "path,cat,dog\n0.png,1,0\n1.png,0,0\n")
    images = evaluation_values(source, "labels", ("dog", "emu", "cat"))
    table = values_of(images).table
    np.testing.assert_array_equal(table, np.array([[0, np.nan, 1], [0, np.nan, 0]], np.float32))
    told = r"list.csv has labels that the model does not know: cat. It knows 2: dog, emu.$"
    with pytest.raises(DataError, match=told):
        evaluation_values(source, "labels", ("dog", "emu"))
    with pytest.raises(DataError, match=r"list.csv has columns that the model .*: cat, dog"):
        evaluation_values(source, "numbers", ("age",))


def test_the_fingerprint_follows_the_values(tmp_path: Path) -> None:
    prints = set()
    for value in (0, 1):
        source = write(tmp_path, f"path,cat\n0.png,{value}\n1.png,1\n")
        prints.add(split_values(source, source, None, share=0.5)[0].fingerprint())
    assert len(prints) == 2


BAD = {
    "path\n0.png\n": "has no column beside its paths",
    "path,cat\n0.png,many\n": r"line 2: cat is 'many', but must be a number .*, or empty",
    "path,cat\n0.png,1\n1.png,inf\n": "line 3: cat is 'inf', but must be a number",
    "path,cat\n0.png,1\n1.png,1e39\n": r"line 3: cat is 1e39, which is too large: .* -3.4e\+38 and",
    "path,cat\n0.png,1\n1.png,-1e999\n": "line 3: cat is -1e999, which is too large",
    "path,cat\n0.png,1\n": "the list .*list.csv has one image, but needs two",
    "path,cat\n0.png,\n": "holds no value",
    "path,labels\n0.png,\n": "names no label",
    "path,cat,split\n0.png,1,val\n1.png,1,test\n": "has no line with train",
    "cat,dog\n0.png,1\n": "must name its columns path",
    "path,cat\n0.png,1\n\n1.png,x\n": "line 4: cat is 'x'",  # as an editor counts
    "path,cat\n0.png,0,5\n": "line 2: it has 3 cells, but the first line names 2 columns",
    "path,cat,dog\n0.png,1\n": "line 2: it has 2 cells, but the first line names 3 columns",
    "path,cat\n0.png,1\n,0\n": "line 3: it names no image",
    "path,cat\n0.png,1\n1.png,0\n./0.png,1\n": "line 4: the image 0.png is on line 2 too",
    "path,cat,cat\n0.png,1,0\n": "line 1: the column cat is there twice: keep one",
    "path,cat,\n0.png,1,0\n": "line 1: column 3 has no name: name it, or leave it out",
    "path,cat,split\n0.png,1,train\n1.png,1,tain\n": "line 3: split is 'tain', but must be train",
    "path,cat,split\n0.png,1,train\n1.png,1,\n": "line 3: split is '', but must be train, val or",
    "path,labels,age\n0.png,a;b,3\n": r"line 2: labels is 'a;b', .* where it is the only one",
    "path,cat,dog\n0.png,1,\n1.png,0,\n": "column dog of .*list.csv is empty for all images to",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_list_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=BAD[text]):
        split_values(write(tmp_path, text), None, None, share=0.5)


def test_the_first_wrong_line_is_told_and_how_many_there_are(tmp_path: Path) -> None:
    source = write(tmp_path, "path,age\n0.png,1\n1.png,x\n2.png,y\n3.png,z\n2.png,4\n")
    with pytest.raises(DataError) as error:
        split_values(source, None, None, share=0.5)
    assert str(error.value) == (
        f"{source}, line 3: age is 'x', but must be a number (0 or 1 for a label), or empty "
        "where it is not known. "
        f"`fcmae check {source} --task values` lists 3 more."
    )


def test_the_column_of_paths_is_the_one_that_images_are_read_from(tmp_path: Path) -> None:
    source = write(tmp_path, "image,path,age\n7,0.png,3\n8,1.png,4\n")
    train, _ = split_values(source, source, None, share=0.5)
    assert train.classes == ("image", "age")
    assert values_of(train).table.tolist() == [[7, 3], [8, 4]]


MIXED = "path,cat,dog,age,size\n0.png,1,0,1,0.5\n1.png,0,,37,2\n"


def test_labels_and_numbers_do_not_mix_unless_that_is_said(tmp_path: Path) -> None:
    source = write(tmp_path, MIXED)
    with pytest.raises(DataError) as error:
        split_values(source, None, None, share=0.5)
    assert str(error.value) == (
        f"{source}, line 2: the columns must be all labels or all numbers, but cat, dog hold only "
        "0 and 1, and age, size numbers (size is 0.5 here): learn all as numbers with "
        'kind="numbers", or give each kind a list of its own.'
    )
    with pytest.raises(DataError, match=r"line 2: size is 0\.5, but a label is 0 or 1"):
        split_values(source, None, "labels", share=0.5)
    train, _ = split_values(source, source, "numbers", share=0.5)
    assert values_of(train).kind == "numbers"
    assert train.classes == ("cat", "dog", "age", "size")


def test_text_beside_numbers_is_told_with_its_line(tmp_path: Path) -> None:
    source = write(tmp_path, "path,colour,age\n0.png,,37\n1.png,red,4\n")
    with pytest.raises(DataError, match="line 3: colour is 'red', but must be a number"):
        split_values(source, None, None, share=0.5)


def test_a_list_to_validate_on_has_the_kind_of_the_one_to_train_on(tmp_path: Path) -> None:
    train = write(tmp_path, "path,cat,age\n0.png,3,37\n1.png,0,4\n")
    val = tmp_path / "val.csv"
    val.write_text("path,cat,age\n2.png,1,37\n3.png,0,4\n")
    assert values_of(split_values(train, val, None, share=0.5)[1]).kind == "numbers"


def test_empty_columns_of_a_spreadsheet_are_passed_over(tmp_path: Path) -> None:
    source = write(tmp_path, "path,age,,\n0.png,3,,\n1.png,4,,,\n,,,\n")
    train, _ = split_values(source, source, None, share=0.5)
    assert train.classes == ("age",)
    assert len(train) == 2


def test_labels_are_zero_or_one(tmp_path: Path) -> None:
    source = write(tmp_path, "path,cat\n0.png,2\n1.png,0\n")
    with pytest.raises(DataError, match=r"list.csv, line 2: cat is 2, but a label is 0 or 1"):
        split_values(source, None, "labels", share=0.5)
    with pytest.raises(DataError, match=r"is no \.csv list"):
        split_values(tmp_path, None, None, share=0.5)
