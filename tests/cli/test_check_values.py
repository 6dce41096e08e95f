"""``fcmae check`` reads lists of values by the rules that training has."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fcmae
from fcmae.cli.main import main
from fcmae.errors import DataError


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(6):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    return tmp_path


def listed(folder: Path, text: str, name: str = "values.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def check(data: Path, **options: Any) -> Any:
    return fcmae.check(data=data, loader={"workers": 0}, **options)


def test_every_wrong_line_is_named_in_its_order(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "5.png").write_bytes(b"no picture")
    source = listed(
        pictures,
        "path,age,size,split\n0.png,3,0.5,train\n1.png,old,1,train\n\n2.png,4,,val\n"
        "gone.png,4,2,val\n3.png,4\n4.png,1,0,5,val\n0.png,2,x,vall\n,2,2,val\n5.png,1,1,val\n",
    )
    found = check(source)
    assert found.task == "values"
    assert {problem["file"] for problem in found.problems} == {str(source)}
    told = [(problem["where"], problem["reason"].split(",")[0]) for problem in found.problems]
    assert told == [
        ("line 3", "age is 'old'"),
        ("line 6", f"its image {pictures}/gone.png does not exist"),
        ("line 7", "it has 2 cells"),
        ("line 8", "it has 5 cells"),
        ("line 9", "split is 'vall'"),
        ("line 9", "the image 0.png is on line 2 too: keep one line"),
        ("line 9", "size is 'x'"),
        ("line 10", "it names no image"),
    ]
    assert [entry["path"] for entry in found.unusable] == ["5.png"]
    assert main(["check", f"{source}", "--loader.workers", "0"]) == 6
    said = capsys.readouterr().out
    assert said.startswith("Checked as a list of images with values (--task names another kind).")
    assert "8 values are wrong:" in said
    assert f"  {source}, line 3: age is 'old', but must be a number" in said


def test_sound_values_are_counted(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = check(listed(pictures, "path,cat,dog\n0.png,1,0\n1.png,,1\n2.png,1,0\n"))
    assert (labels.classes, labels.values, labels.sound) == ({"cat": 2, "dog": 1}, [], True)
    tags = check(listed(pictures, "path,labels\n0.png,cat;dog\n1.png,\n2.png,cat\n"))
    assert (tags.task, tags.classes, tags.sound) == ("values", {"cat": 2, "dog": 1}, True)
    source = listed(pictures, "path,age\n0.png,3\n1.png,\n2.png,-7\n")
    numbers = check(source)
    assert numbers.classes is None
    assert numbers.values == [{"name": "age", "known": 2, "lowest": -7, "highest": 3}]
    assert main(["check", f"{source}", "--loader.workers", "0"]) == 0
    assert ["age", "2", "-7", "3"] in [x.split() for x in capsys.readouterr().out.splitlines()]


def test_the_kind_of_values_can_be_named(pictures: Path) -> None:
    source = listed(pictures, "path,cat\n0.png,1\n1.png,2\n")
    assert check(source).sound
    [problem] = check(source, kind="labels").problems
    assert problem["where"] == "line 3"
    assert problem["reason"].startswith("cat is 2, but a label is 0 or 1")
    with pytest.raises(ValueError, match=r"kind is labels, but .* is not checked as a list of val"):
        check(pictures, kind="labels")


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("path,label\n0.png,1\n1.png,0\n", "classify"),
        ("path,label,age\n0.png,cat,3\n1.png,dog,4\n", "classify"),
        ("path,author\n0.png,Ada\n1.png,Bo\n", None),
        ("path,author,width\n0.png,Ada,8\n1.png,Bo,8\n", None),
        ("path\n0.png\n1.png\n", None),
    ],
)
def test_other_lists_are_not_taken_for_values(text: str, task: str | None, pictures: Path) -> None:
    found = check(listed(pictures, text))
    assert (found.task, found.usable, found.problems) == (task, 2, [])


def test_text_is_checked_as_values_where_that_is_said(pictures: Path) -> None:
    found = check(listed(pictures, "path,author\n0.png,Ada\n1.png,Bo\n"), task="values")
    assert [problem["where"] for problem in found.problems] == ["line 2"]


def test_a_mix_of_labels_and_numbers_is_a_problem_unless_it_is_said_to_be_numbers(
    pictures: Path,
) -> None:
    source = listed(pictures, "path,cat,age\n0.png,1,0\n1.png,0,37\n")
    [problem] = check(source).problems
    assert problem["where"] == "line 3"
    assert "cat hold only 0 and 1, and age numbers (age is 37 here)" in problem["reason"]
    assert check(source, kind="numbers").sound


@pytest.mark.parametrize("task", ["auto", "values"])
def test_a_column_without_a_value_to_train_on_is_a_problem(pictures: Path, task: str) -> None:
    source = listed(pictures, "path,a,b\n0.png,1.5,\n1.png,2, \n2.png,4,\n")
    found = check(source, task=task)
    reason = "the column b is empty for all images to train on: fill it in, or leave it out"
    assert found.problems == [{"file": f"{source}", "where": "line 1", "reason": reason}]
    assert (found.task, found.usable) == ("values", 3)
    with pytest.raises(DataError, match=r"the column b of .* is empty for all images to train on"):
        fcmae.finetune("values", data=source, out=pictures / "run")
    source = listed(pictures, "path,a,b,split\n0.png,1,,train\n1.png,2,x,train\n2.png,4,3,val\n")
    assert [problem["where"] for problem in check(source, task=task).problems] == ["line 3"]
    source = listed(pictures, "path,a,b,split\n0.png,1,,train\n1.png,2,,train\n2.png,4,3,val\n")
    assert [problem["where"] for problem in check(source, task=task).problems] == ["line 1"]


def test_a_column_that_is_filled_with_text_far_below_is_none_of_values(pictures: Path) -> None:
    lines = "".join(f"{number % 6}.png,{number},\n" for number in range(120))
    found = check(listed(pictures, f"path,width,remark\n{lines}0.png,3,blurred\n"))
    assert (found.task, found.problems) == (None, [])
