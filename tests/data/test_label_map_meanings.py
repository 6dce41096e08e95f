"""Label maps of many programs: numbers, colours and names that are certain, and what is refused."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

import fcmae
from fcmae.data.annotations import IGNORE
from fcmae.data.image_list import ImageList
from fcmae.data.segments.classes import read_classes
from fcmae.data.segments.colours import voc_palette
from fcmae.data.segments.find import evaluation_segments, meant, split_segments
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.survey import something_to_learn, survey
from fcmae.errors import DataError
from fcmae.flags import written_as_flags

PLAIN = LabelMapOptions()
SIZE = (6, 8)
CLASSES = np.repeat([[0, 0, 0, 0, 1, 1, 1, 1]], 6, axis=0).astype(np.uint8)
"""Class of each pixel of every mask."""

Save = Callable[[Path, np.ndarray], None]


@pytest.fixture(autouse=True)
def flags() -> Iterator[None]:
    """Messages as the command line shows them."""
    with written_as_flags():
        yield


def data_set(root: Path, save: Save, classes: str = "ground\ntumour\n", count: int = 4) -> Path:
    """Images and masks of two classes."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", SIZE[::-1], (number, 0, 0)).save(root / "images" / f"{number}.png")
        save(root / "masks" / f"{number}.png", CLASSES)
    (root / "classes.txt").write_text(classes)
    return root


def masks_of(source: Path, options: LabelMapOptions = PLAIN) -> list[np.ndarray]:
    images, _ = split_segments(source, None, options, share=0.25)
    assert images.annotations is not None
    return [images.annotations.read(i, SIZE)["mask"] for i in range(len(images))]


def png(change: Callable[[np.ndarray], np.ndarray]) -> Save:
    return lambda path, mask: Image.fromarray(change(mask)).save(path)


def tiff(kind: str) -> Save:
    return lambda path, mask: tifffile.imwrite(path, mask.astype(kind))


def palette(path: Path, mask: np.ndarray) -> None:
    image = Image.fromarray(mask)
    image.putpalette([9, 9, 9] * 256)
    image.save(path)


def opaque(mask: np.ndarray) -> np.ndarray:
    full = np.full_like(mask, 255)
    return np.stack([mask, mask, mask, full], axis=2)


def of(*colours: tuple[int, int, int]) -> Save:
    return png(lambda mask: np.array(colours, dtype=np.uint8)[mask])


CERTAIN: dict[str, tuple[Save, str]] = {
    "0 and 255": (png(lambda mask: mask * 255), "ground\ntumour\n"),
    "0 and 255 in three channels": (of((0, 0, 0), (255, 255, 255)), "ground\ntumour\n"),
    "one bit": (png(lambda mask: mask.astype(bool)), "ground\ntumour\n"),
    "three equal channels": (of((0, 0, 0), (1, 1, 1)), "ground\ntumour\n"),
    "opacity that hides nothing": (png(opaque), "ground\ntumour\n"),
    "palette": (palette, "ground\ntumour\n"),
    "16 bits": (png(lambda mask: mask.astype(np.uint16)), "ground\ntumour\n"),
    "32 bits": (tiff("int32"), "ground\ntumour\n"),
    "unsigned 32 bits": (tiff("uint32"), "ground\ntumour\n"),
    "64 bits": (tiff("int64"), "ground\ntumour\n"),
    "signed 16 bits": (tiff("int16"), "ground\ntumour\n"),
    "floats": (tiff("float32"), "ground\ntumour\n"),
    "double floats": (tiff("float64"), "ground\ntumour\n"),
    "colours of VOC": (of((0, 0, 0), (128, 0, 0)), "ground\ntumour\n"),
    "numbers in the file": (png(lambda mask: mask + 4), "4 ground\n5: tumour\n"),
    "Roboflow": (png(lambda mask: mask), "Pixel Value, Class\n0, ground\n1, tumour\n"),
    "labelme": (png(lambda mask: mask), "__ignore__\nground\ntumour\n"),
    "CVAT": (
        of((0, 0, 0), (250, 50, 83)),
        "# label:color_rgb:parts:actions\nground:0,0,0::\ntumour:250,50,83::\n",
    ),
    "class_dict": (of((255, 255, 255), (0, 0, 9)), "name,r,g,b\nground,255,255,255\ntumour,0,0,9"),
    "CamVid": (of((64, 128, 64), (192, 0, 128)), "64 128 64\tground\n192 0 128\ttumour\n"),
    "grey colours": (png(lambda mask: 255 - 255 * mask), "ground,255,255,255\ntumour,0,0,0\n"),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_label_maps_whose_meaning_is_certain_are_read(name: str, tmp_path: Path) -> None:
    save, classes = CERTAIN[name]
    source = data_set(tmp_path, save, classes)
    found = masks_of(source)
    assert len(found) == 3
    for mask in found:
        assert_array_equal(mask, CLASSES)
    assert split_segments(source, None, PLAIN, share=0.25)[0].classes == ("ground", "tumour")


def test_palettes_are_read_by_their_colours_where_a_table_tells_them(tmp_path: Path) -> None:
    def turned(path: Path, mask: np.ndarray) -> None:
        image = Image.fromarray(1 - mask)
        image.putpalette([250, 50, 83, 0, 0, 0] + [7] * 762)
        image.save(path)

    source = data_set(tmp_path, turned, "ground:0,0,0::\ntumour:250,50,83::\n")
    assert_array_equal(masks_of(source)[0], CLASSES)


def test_numbers_of_few_bits_are_not_stretched(tmp_path: Path) -> None:
    def two_bits(path: Path, mask: np.ndarray) -> None:
        import struct
        import zlib

        def chunk(kind: bytes, data: bytes) -> bytes:
            end = struct.pack(">I", zlib.crc32(kind + data))
            return struct.pack(">I", len(data)) + kind + data + end

        rows = b"".join(b"\0" + bytes([0b00000000, 0b01010101]) for _ in mask)
        header = struct.pack(">IIBBBBB", 8, 6, 2, 0, 0, 0, 0)
        parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))

    assert_array_equal(masks_of(data_set(tmp_path, two_bits))[0], CLASSES)


def test_zero_and_255_are_told_and_kept_for_whatever_comes_after(tmp_path: Path) -> None:
    source = data_set(tmp_path, png(lambda mask: mask * 255))
    train, _ = split_segments(source, None, PLAIN, share=0.25)
    assert train.notes == (
        "Masks hold 0 and 255 only, so 255 is read as tumour (--labels.numbers 0,1 ignores it).",
    )
    assert meant(train).numbers == (0, 255)
    again = evaluation_segments(source, meant(train), ("ground", "tumour"))
    assert_array_equal(again.annotations.read(0, SIZE)["mask"], CLASSES)
    ignoring = masks_of(source, LabelMapOptions(numbers=(0, 1)))
    assert_array_equal(ignoring[0], np.where(CLASSES == 1, IGNORE, 0))
    held = fcmae.ImageData(
        [np.zeros((*SIZE, 3), np.uint8)] * 4,
        label_maps=[CLASSES * 255] * 4,
        classes=["ground", "tumour"],
    )
    images = evaluation_segments(held, PLAIN)
    assert_array_equal(images.annotations.read(0, SIZE)["mask"], CLASSES)


def test_a_mask_of_one_bit_among_others_means_the_same(tmp_path: Path) -> None:
    source = data_set(tmp_path, png(lambda mask: mask * 255))
    Image.fromarray(CLASSES.astype(bool)).save(source / "masks/1.png")
    with pytest.raises(DataError, match=r"say --labels.numbers 0,255 if 255 is the second class"):
        masks_of(source)
    for mask in masks_of(source, LabelMapOptions(numbers=(0, 255))):
        assert_array_equal(mask, CLASSES)


def test_zero_one_and_255_are_what_they_were(tmp_path: Path) -> None:
    def bordered(mask: np.ndarray) -> np.ndarray:
        return np.where(np.arange(8) == 3, np.uint8(255), mask)

    source = data_set(tmp_path, png(bordered))
    expected = np.where(np.arange(8) == 3, IGNORE, CLASSES.astype(int))
    assert_array_equal(masks_of(source)[0], expected)


UNCERTAIN: dict[str, tuple[Save, str, str]] = {
    "0, 128 and 255": (
        png(lambda mask: np.where(np.arange(8) == 3, 128, mask * 255).astype(np.uint8)),
        "a\nb\nc\n",
        r"hold the numbers 0, 128, 255, .*: say --labels.numbers 0,128,255 if these are a, b, c in",
    ),
    "0, 128 and 255 of two": (
        png(lambda mask: np.where(np.arange(8) == 3, 128, mask * 255).astype(np.uint8)),
        "a\nb\n",
        r"say the number of each class \(a, b\) with --labels.numbers, and the one that nobody",
    ),
    "0 and 100": (png(lambda mask: mask * 100), "a\nb\n", r"say --labels.numbers 0,100 if these"),
    "from 1": (png(lambda mask: mask + 1), "a\nb\n", "say --labels.reduce_zero_label true where 1"),
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_numbers_that_may_mean_two_things_are_refused_with_the_way_out(
    name: str, tmp_path: Path
) -> None:
    save, classes, told = UNCERTAIN[name]
    source = data_set(tmp_path, save, classes)
    with pytest.raises(DataError, match=told):
        split_segments(source, None, PLAIN, share=0.25)


def test_numbers_of_classes_may_be_said(tmp_path: Path) -> None:
    source = data_set(tmp_path, png(lambda mask: mask * 100))
    assert_array_equal(masks_of(source, LabelMapOptions(numbers=(0, 100)))[0], CLASSES)
    (source / "d.yaml").write_text("train: {images: images, masks: masks}\nnumbers: [0, 100]\n")
    assert_array_equal(masks_of(source / "d.yaml")[0], CLASSES)
    with pytest.raises(DataError, match=r"labels.numbers are 0, 1, 2, but .* has 2 classes"):
        masks_of(source, LabelMapOptions(numbers=(0, 1, 2)))
    with pytest.raises(ValueError, match="must be a number of its own for each class"):
        LabelMapOptions(numbers=(0, 0))


def hidden(mask: np.ndarray) -> np.ndarray:
    return np.stack([mask, mask, mask, mask * 255], axis=2)


REFUSED: dict[str, tuple[Save, str, str]] = {
    "opacity": (png(hidden), "a\nb\n", "its opacity hides pixels"),
    "pages": (
        lambda path, mask: tifffile.imwrite(path, np.stack([mask, mask]), photometric="minisblack"),
        "a\nb\n",
        "it holds 2 pictures, but a label map is one",
    ),
    "from white": (
        lambda path, mask: tifffile.imwrite(path, mask, photometric="miniswhite"),
        "a\nb\n",
        "its numbers count from white",
    ),
    "other colours": (
        of((9, 0, 0), (0, 0, 9)),
        "a,0,0,0\nb,0,0,9\n",
        r"it has 1 colours that no class has, such as \(9, 0, 0\)",
    ),
    "no table": (of((9, 0, 0), (0, 0, 9)), "a\nb\n", "Lines name,red,green,blue in classes.txt"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_masks_without_a_certain_meaning_are_refused_by_name(name: str, tmp_path: Path) -> None:
    save, classes, told = REFUSED[name]
    with pytest.raises(DataError, match=told):
        masks_of(data_set(tmp_path, save, classes))


def test_the_palette_of_voc_is_that_of_its_development_kit() -> None:
    assert voc_palette(22)[1:4] == ((128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert voc_palette(22)[-1] == (128, 64, 128)
    assert voc_palette(256)[255] == (224, 224, 192)


def test_colours_that_two_classes_share_are_refused(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a,0,0,0\nb,0,0,0\n")
    with pytest.raises(DataError, match="each class needs one of its own"):
        read_classes(tmp_path / "c.txt")


# Nothing to learn from.


def trained_on(source: Path, options: LabelMapOptions = PLAIN) -> ImageList:
    return split_segments(source, None, options, share=0.25)[0]


def test_masks_of_one_class_or_of_none_teach_nothing(tmp_path: Path) -> None:
    empty = trained_on(data_set(tmp_path / "a", png(lambda mask: mask * 0)))
    with pytest.raises(DataError, match="of the masks of a are of class ground, so that there is"):
        something_to_learn(empty, "a")
    ignored = trained_on(data_set(tmp_path / "b", png(lambda mask: mask * 0 + 255), "a\nb\nc\n"))
    with pytest.raises(DataError, match=r"of the masks of b are ignored, .* 255 is a class"):
        something_to_learn(ignored, "b")
    half = trained_on(data_set(tmp_path / "c", png(lambda mask: mask * 255), "a\nb\nc\n"))
    with pytest.raises(DataError, match=r"are of class a or ignored \(50.0%\), so that there is"):
        something_to_learn(half, "c")
    with pytest.raises(DataError, match="so that there is nothing to learn"):
        fcmae.finetune("segment", data=tmp_path / "a", out=tmp_path / "run", size=32)


def test_a_class_that_a_late_mask_shows_is_found(tmp_path: Path) -> None:
    source = data_set(tmp_path, png(lambda mask: mask * 0), count=6)
    Image.fromarray(CLASSES).save(source / "masks/3.png")
    images = trained_on(source)
    assert (survey(images, 1).pixels > 0).all()


def test_ignored_pixels_beside_a_class_that_no_mask_shows_are_told(tmp_path: Path) -> None:
    def of_three(mask: np.ndarray) -> np.ndarray:
        return np.where(np.arange(8) < 2, np.uint8(255), mask)

    images = trained_on(data_set(tmp_path, png(of_three), "a\nb\nlate\n"))
    assert something_to_learn(images, "x") == (
        "In 3 masks, 25.0% of the pixels are ignored (number 255), and none is of class late: if "
        "255 means a class, give the number of each with --labels.numbers.",
    )


# Names of masks.


def named(root: Path, *pairs: tuple[str, str]) -> Path:
    for image, mask in pairs:
        for path in (root / "images" / image, root / "masks" / mask):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6)).save(root / "images" / image)
        Image.fromarray(CLASSES).save(root / "masks" / mask)
    (root / "classes.txt").write_text("a\nb\n")
    return root


NAMES = {
    "an end": [("1.jpg", "1_mask.png"), ("10.jpg", "10_mask.png"), ("x/2.jpg", "x/2_mask.png")],
    "a start": [("a.png", "seg_a.png"), ("b.png", "seg_b.png")],
    "the whole name": [("a.jpg", "a.jpg.png"), ("b.jpg", "b.jpg.png")],
    "two endings": [("a.tif", "a.ome.tif"), ("b.tif", "b.ome.tif")],
    "ISIC": [("ISIC_1.jpg", "ISIC_1_segmentation.png"), ("ISIC_2.jpg", "ISIC_2_segmentation.png")],
}


@pytest.mark.parametrize("name", NAMES)
def test_masks_with_more_in_their_names_are_found(name: str, tmp_path: Path) -> None:
    images, masks = zip(*NAMES[name], strict=True)
    found = evaluation_segments(named(tmp_path, *NAMES[name]), PLAIN)
    assert sorted(found.name(i) for i in range(len(found))) == sorted(images)
    assert sorted(found.annotations.maps.name(i) for i in range(len(found))) == sorted(masks)
    assert len(found.notes) == (name != "two endings")


def test_patterns_name_masks_and_images(tmp_path: Path) -> None:
    source = named(tmp_path / "a", ("a_img.png", "a_one.png"), ("b_img.png", "b_one.png"))
    for letter in "ab":
        Image.fromarray(CLASSES).save(source / "masks" / f"{letter}_two.png")
    yaml = "train: {images: 'images/*_img.png', masks: 'masks/*_one.png'}\n"
    (source / "d.yaml").write_text(yaml)
    train, _ = split_segments(source / "d.yaml", None, PLAIN, share=0.5)
    assert train.annotations.maps.name(0)[1:] == "_one.png"
    (source / "e.yaml").write_text("train: .\nmasks: '*_two.png'\nclasses: [a, b]\n")
    with pytest.raises(DataError, match=r"2 of 2 images in .* have no mask"):
        split_segments(source / "e.yaml", None, PLAIN, share=0.5)
    (source / "e.yaml").write_text("train: .\nmasks: two\nclasses: [a, b]\n")
    with pytest.raises(DataError, match=r"e.yaml: masks is 'two', but must have one \* where"):
        split_segments(source / "e.yaml", None, PLAIN, share=0.5)
    both = tmp_path / "both"
    both.mkdir()
    for letter in "ab":
        Image.new("RGB", (8, 6)).save(both / f"{letter}.png")
        Image.fromarray(CLASSES).save(both / f"{letter}_mask.png")
    (both / "d.yaml").write_text(
        "train: {images: ., masks: './*_mask.png'}\nclasses: [a, b]\n".replace("./*", "*")
    )
    train, val = split_segments(both / "d.yaml", None, PLAIN, share=0.5)
    assert sorted([train.name(0), val.name(0)]) == ["a.png", "b.png"]
    options = LabelMapOptions(masks="*_two.png")
    source = named(tmp_path / "c", ("a.png", "a.png"), ("b.png", "b.png"))
    for letter in "ab":
        Image.fromarray(CLASSES).save(source / "masks" / f"{letter}_two.png")
    assert evaluation_segments(source, options).annotations.maps.name(0) == "a_two.png"


def test_a_further_mask_of_an_image_is_an_error(tmp_path: Path) -> None:
    source = named(tmp_path, ("a.png", "a_mask.png"), ("b.png", "b_mask.png"))
    Image.fromarray(CLASSES).save(source / "masks/a_mask_1.png")
    with pytest.raises(DataError, match=r"a_mask_1.png is a further mask of a.png, but an image"):
        evaluation_segments(source, PLAIN)


def test_masks_that_are_called_otherwise_are_refused_with_the_way_out(tmp_path: Path) -> None:
    source = named(tmp_path, ("a.png", "x.png"), ("b.png", "y.png"))
    with pytest.raises(DataError, match=r"others are told by --labels.masks, such as '\*_mask"):
        evaluation_segments(source, PLAIN)
