"""Training of detectors says what it understood, and does not start where nothing can be learnt."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

import fcmae
from fcmae.data.objects.find import evaluation_objects
from fcmae.data.objects.rules import LabelRules
from fcmae.engine.report import Silent
from fcmae.errors import DataError
from fcmae.evaluation.options import Tiles
from fcmae.training.detection import FinetuneDetect, objects_of


class Listening(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


def write(folder: Path, **fields: Any) -> Path:
    """Eight pictures with two boxes each, one of which is changed in every picture."""
    content: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "debris"}],
    }
    folder.mkdir()
    for number in range(8):
        Image.new("L", (60, 40)).save(folder / f"{number}.png")
        content["images"].append({"id": number, "file_name": f"{number}.png"})
        for box in ([5, 5, 20, 10], [30, 8, 12, 25]):
            one = {"image_id": number, "category_id": 1, "bbox": box, **fields}
            content["annotations"].append({"id": len(content["annotations"]), **one})
    (folder / "labels.json").write_text(json.dumps(content))
    return folder / "labels.json"


def found(data: Path, **options: Any) -> Any:
    return FinetuneDetect(data=data, out=data.parent / "out", **options).find(Listening())


def test_a_sentence_tells_what_was_understood(tmp_path: Path) -> None:
    images = found(write(tmp_path / "in"))
    assert images.train.notes[-1].startswith(
        "train: 6 images, 12 objects (cell 12, debris 0), 0 images without any; boxes only; the "
        "smallest box has 20 x 10 pixels; images of no size in the labels, which their files tell: "
    )
    assert images.val.notes[-1].startswith("val: 2 images, 4 objects (cell 4, debris 0)")


NOTHING = {
    "crowds": (
        {"iscrowd": 1},
        'all 12 objects of .* are crowd regions .*crowds="objects"',
    ),
    "below a pixel": (
        {"bbox": [3, 3, 0.5, 0.5]},
        "all 12 boxes of .* are below a pixel, so that none is ever shown",
    ),
    "shares": ({"bbox": [0.1, 0.1, 0.5, 0.5]}, r"all 16 boxes of .* lie within \[0, 1\]"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_training_does_not_start_where_nothing_can_be_learnt(tmp_path: Path, name: str) -> None:
    fields, expected = NOTHING[name]
    with pytest.raises(DataError, match=expected):
        found(write(tmp_path / "in", **fields))


def test_no_object_at_all_is_nothing_to_learn(tmp_path: Path) -> None:
    file = write(tmp_path / "in")
    file.write_text(json.dumps({**json.loads(file.read_text()), "annotations": []}))
    with pytest.raises(DataError, match=r"labels\.json holds no object\."):
        found(file)
    checked = fcmae.check(data=file, loader={"workers": 0})
    assert not checked.sound
    assert checked.problems[0]["reason"].endswith("holds no object")


def test_objects_that_no_view_shows_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "in")
    for number in range(8):
        Image.new("L", (6000, 4000)).save(tmp_path / "in" / f"{number}.png")
    images = found(file, size=512)
    assert images.train.notes[1:] == ()
    images = found(file, size=256)
    assert images.train.notes[1].startswith(
        "objects below a pixel once their images are fitted into 256 x 256 pixels: 6 of 12."
    )
    with pytest.raises(DataError, match=r": 12 of 12\. A larger size=, or windows"):
        found(file, size=32)
    found(file, size=32, tiles=Tiles(size=64))


def test_crowds_are_objects_if_asked(tmp_path: Path) -> None:
    file = write(tmp_path / "in", iscrowd=1)
    checked = fcmae.check(data=file, loader={"workers": 0})
    assert not checked.sound
    assert "crowd regions, which are no targets: 16" in checked.notes[0]
    images = found(file, crowds="objects")
    assert not objects_of(images.train).crowd.any()
    judged = evaluation_objects(file, ["cell", "debris"], rules=LabelRules(crowds=True))
    assert not judged.objects.crowd.any()


def test_boxes_are_cut_off_or_left_out_as_asked(tmp_path: Path) -> None:
    file = write(tmp_path / "in", bbox=[-5, 5, 20, 10])
    with pytest.raises(DataError, match='bad_labels="clip" cuts boxes off at the border'):
        found(file)
    images = found(file, bad_labels="clip")
    np.testing.assert_array_equal(objects_of(images.train).boxes[0], [0, 5, 15, 15])
    assert "boxes that left their image, cut off at its border: 16" in images.train.notes[-1]
    with pytest.raises(DataError, match="holds no object"):
        found(file, bad_labels="leave_out")


def test_boxes_that_a_program_gives_are_cut_off_too() -> None:
    images = [np.zeros((40, 60), dtype=np.uint8)] * 2
    boxes = [np.array([[-5.0, 5, 15, 15]]), np.array([[70.0, 5, 80, 15]])]
    data = fcmae.ImageData(images, boxes=boxes, labels=[[0], [0]])
    assert len(evaluation_objects(data, ["0"]).problems) == 2
    cut = evaluation_objects(data, ["0"], rules=LabelRules(clip=True))
    assert cut.problems == ()
    np.testing.assert_array_equal(cut.objects.boxes, [[0, 5, 15, 15]])
    assert [note.partition(":")[0] for note in cut.notes] == [
        "boxes that left their image, cut off at its border",
        "boxes beside their image, left out",
    ]


def test_check_names_pictures_that_are_turned_by_half(tmp_path: Path) -> None:
    file, turned = write(tmp_path / "in"), Image.Exif()
    turned[ExifTags.Base.Orientation] = 3
    Image.new("L", (60, 40)).save(tmp_path / "in" / "3.png", exif=turned)
    notes = fcmae.check(data=file, loader={"workers": 0}).notes
    said = "1 image such as 3.png is turned by EXIF: boxes and outlines must be of the upright"
    assert any(note.startswith(said) for note in notes)
