"""What files of Pascal VOC of many writers become."""

from pathlib import Path

import pytest
from labels import VOC, pictures, write_voc
from numpy.testing import assert_allclose

from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.find import read_part
from fcmae.data.objects.parts import parts_of
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.errors import DataError

TOOTHBRUSH, PERSON = [10, 5, 30, 15], [50, 30, 60, 40]
POLYGON = "<polygon><x1>10</x1><y1>5</y1><x2>30</x2><y2>5</y2><x3>30</x3><y3>15</y3></polygon>"
POINTS = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((10, 5), (30, 5), (30, 15)))
PART = (
    "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax>"
    "</bndbox></part>"
)
FIRST_BOX = "<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>15</ymax></bndbox>"


def read(source: Path, rules: LabelRules = AS_WRITTEN) -> LabelledObjects:
    (part,) = parts_of(source).values()
    return read_part(part, rules=rules)


READ = {
    "floats": VOC.replace(">11<", ">11.0<").replace(">15<", "> 15.00 <"),
    "no size": VOC.replace("<size><width>60</width><height>40</height><depth>3</depth></size>", ""),
    "size of 0": VOC.replace("<width>60<", "<width>0<"),
    "size in floats": VOC.replace("<width>60<", "<width>60.0<"),
    "difficult in words": VOC.replace("<difficult>1<", "<difficult>True<"),
    "parts": VOC.replace("<name>toothbrush</name>", "<name>toothbrush</name>" + PART),
    "truncated": VOC.replace("<difficult>", "<truncated>1</truncated><difficult>"),
    "path of Windows": VOC.replace(">a.png<", ">C:\\data\\a.png<"),
}


@pytest.mark.parametrize("name", READ)
def test_what_other_writers_mean_is_read(tmp_path: Path, name: str) -> None:
    found = read(write_voc(tmp_path, READ[name]))
    assert found.problems == ()
    assert found.notes == ()
    assert_allclose(found.objects.boxes, [TOOTHBRUSH, PERSON])
    assert found.objects.crowd.tolist() == [False, True]
    assert found.objects.sizes.tolist() == [[40, 60]]


def test_names_with_spaces_are_one_class(tmp_path: Path) -> None:
    found = read(write_voc(tmp_path, VOC.replace(">toothbrush<", "> tooth brush <")))
    assert found.images.classes == ("person", "tooth brush")


@pytest.mark.parametrize("polygon", [POLYGON, f"<polygon>{POINTS}</polygon>"])
def test_a_polygon_beside_a_box_is_its_outline(tmp_path: Path, polygon: str) -> None:
    found = read(write_voc(tmp_path, VOC.replace(FIRST_BOX, FIRST_BOX + polygon)))
    assert found.problems == ()
    assert found.objects.num_outlined == 1
    assert found.objects.areas[0] == pytest.approx(100, abs=12)
    other = VOC.replace(FIRST_BOX, FIRST_BOX + "<polygon>10,5</polygon>")
    (tmp_path / "Annotations" / "a.xml").write_text(other)
    assert "polygons of no known form, passed over: 1" in read(tmp_path).notes[0]


WRONG = {
    "exchanged corners": (
        VOC.replace("<xmin>11<", "<xmin>41<"),
        "its box from (40, 5) to (30, 15) ends before it begins",
    ),
    "rotated": (
        VOC.replace(FIRST_BOX, "<robndbox><cx>20</cx><cy>10</cy></robndbox>"),
        "a rotated box (<robndbox>) is not read",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_object_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    text, expected = WRONG[name]
    [problem] = read(write_voc(tmp_path, text)).problems
    assert problem.where == "line 4"
    assert expected in problem.reason


def test_difficult_objects_are_objects_if_asked(tmp_path: Path) -> None:
    found = read(write_voc(tmp_path, VOC), LabelRules(crowds=True))
    assert not found.objects.crowd.any()


def test_boxes_that_are_shares_are_refused(tmp_path: Path) -> None:
    text = VOC
    for pixels, share in ((11, 0.2), (30, 0.5), (6, 0.1), (15, 0.4), (51, 0.8), (31, 0.7), (60, 1)):
        text = text.replace(f">{pixels}</x", f">{share}</x").replace(
            f">{pixels}</y", f">{share}</y"
        )
    text = text.replace(">40</ymax", ">0.9</ymax")
    with pytest.raises(DataError, match=r"all 2 boxes of .* lie within \[0, 1\]"):
        read(write_voc(tmp_path, text))


@pytest.mark.parametrize("folder", ["annotations", "annotations/xmls", "labels"])
def test_xml_files_lie_in_folders_of_several_names(tmp_path: Path, folder: str) -> None:
    pictures(tmp_path / "images")
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "a.xml").write_text(VOC)
    assert len(read(tmp_path).objects) == 2


def test_labels_and_images_may_lie_apart(tmp_path: Path) -> None:
    pictures(tmp_path / "photos")
    (tmp_path / "xml").mkdir()
    (tmp_path / "xml" / "a.xml").write_text(VOC)
    (tmp_path / "data.yaml").write_text("train: {labels: xml, images: photos}\n")
    assert len(read(tmp_path).objects) == 2
