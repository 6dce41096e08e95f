"""Label maps: which layouts are found, what their numbers mean, what is wrong with them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fcmae.data.annotations import IGNORE
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader, SceneAugment
from fcmae.data.segments.find import evaluation_segments, images_of, split_segments
from fcmae.data.segments.layout import has_segments, layout_of
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.views import SegmentationCrop, base_factor
from fcmae.errors import DataError

PLAIN = LabelMapOptions()
UNCHANGED = Normalisation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
Make = Callable[..., Path]


def save(path: Path, pixels: np.ndarray, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette:
        image.putpalette([7] * 768)
    image.save(path)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a data set whose images show the numbers of their masks as brightness."""

    def build(*, images: str = "images/{part}", masks: str = "masks/{part}") -> Path:
        for part in ("train", "val"):
            for number in range(3):
                mask = np.zeros((20, 24), dtype=np.uint8)
                mask[:, 5 + number :] = 1
                mask[12:, 15:] = 2
                mask[0, 0] = 255
                grey = np.repeat((mask * 100)[..., None], 3, axis=2)
                save(tmp_path / images.format(part=part) / f"{part}-{number}.png", grey)
                save(tmp_path / masks.format(part=part) / f"{part}-{number}.png", mask, number == 0)
        (tmp_path / "classes.txt").write_text("sky\nsea\nland\n\n")
        return tmp_path

    return build


def mask_of(images: ImageList, index: int) -> np.ndarray:
    assert images.annotations is not None
    return images.annotations.read(index, (20, 24))["mask"]


LAYOUTS = {
    "images and masks": ("images/{part}", "masks/{part}"),
    "parts first": ("{part}/images", "{part}/masks"),
    "ADE20K": ("images/{part}ing", "annotations/{part}ing"),
}


@pytest.mark.parametrize("layout", ["images and masks", "parts first"])
def test_parts_are_found_in_folders(layout: str, make: Make) -> None:
    images, masks = LAYOUTS[layout]
    train, val = split_segments(make(images=images, masks=masks), None, PLAIN, share=0.2)
    assert (train.classes, val.classes) == (("sky", "sea", "land"),) * 2
    assert [len(train), len(val)] == [3, 3]
    for index in range(3):
        assert train.name(index).endswith(f"train-{index}.png")
        found = mask_of(train, index)
        assert found.dtype == np.int16
        assert found[0, 0] == IGNORE
        assert np.unique(found).tolist() == [IGNORE, 0, 1, 2]
        assert (found[:12, 5 + index :] == 1).all()


def test_ade20ks_folders_are_found(make: Make) -> None:
    source = make(images="images/{part}", masks="annotations/{part}")
    (source / "images" / "train").rename(source / "images" / "training")
    (source / "annotations" / "train").rename(source / "annotations" / "training")
    (source / "images" / "val").rename(source / "images" / "validation")
    (source / "annotations" / "val").rename(source / "annotations" / "validation")
    (source / "classes.txt").write_text("sea\nland\n")
    options = LabelMapOptions(reduce_zero_label=True)
    train, _ = split_segments(source, None, options, share=0.2)
    found = mask_of(train, 1)
    assert np.unique(found).tolist() == [IGNORE, 0, 1]
    assert (found[:, :6] == IGNORE).all()


def test_without_parts_a_share_is_held_out(make: Make) -> None:
    train, val = split_segments(make(images="images", masks="masks"), None, PLAIN, share=0.34)
    assert [len(train), len(val)] == [4, 2]
    for images in (train, val):
        for index in range(len(images)):
            number = int(images.name(index)[-5])
            assert mask_of(images, index)[0, 4 + number] == 0
            assert mask_of(images, index)[0, 5 + number] == 1


def test_a_yaml_names_everything(make: Make) -> None:
    source = make(images="a/{part}", masks="b/{part}")
    (source / "classes.txt").unlink()
    (source / "data.yaml").write_text(
        "train: {images: a/train, masks: b/train}\nval: {images: a/val, masks: b/val}\n"
        "classes: [sky, sea, land]\nignore_index: 2\n"
    )
    with pytest.raises(DataError, match="does not hold images and masks"):
        layout_of(source, PLAIN)
    train, val = split_segments(source / "data.yaml", None, LabelMapOptions(), share=0.2)
    assert train.classes == ("sky", "sea", "land")
    assert [len(train), len(val)] == [3, 3]
    with pytest.raises(DataError, match="1 pixels have the number 255, but the classes are 0"):
        mask_of(train, 0)


def test_options_win_over_the_yaml(make: Make) -> None:
    source = make()
    (source / "names").write_text("a\nb\n")
    (source / "d.yaml").write_text(
        "train: {images: images/train, masks: masks/train}\nignore_index: 7"
    )
    options = LabelMapOptions(classes=source / "names", ignore_index=255, reduce_zero_label=True)
    layout = layout_of(source / "d.yaml", options)
    assert layout.classes == ("a", "b")
    assert (layout.ignore_index, layout.reduce_zero_label) == (255, True)


def test_evaluation_takes_the_validation_part_in_the_models_order(make: Make) -> None:
    images = evaluation_segments(make(), PLAIN, ["land", "sea", "sky", "more"])
    assert images.name(0) == "val-0.png"
    assert mask_of(images, 0)[1, 1] == 2
    with pytest.raises(DataError, match="has classes that the model does not know: land"):
        evaluation_segments(make(), PLAIN, ["sea", "sky"])


@pytest.mark.parametrize("name", ["pets", "camvid"])
def test_real_data_are_found(name: str, shared: Path) -> None:
    train, val = split_segments(shared / "segment" / name, None, PLAIN, share=0.2)
    assert [len(train), len(val)] == {"pets": [443, 150], "camvid": [95, 48]}[name]
    assert len(train.classes or ()) == {"pets": 4, "camvid": 11}[name]
    feed = Feed(train, SegmentationCrop((96, 96)), seed=0, loader=Loader(workers=0), channels=3)
    batch = next(feed.batches(first_step=0, last_step=1, batch_size=4, micro_batch=4))
    assert batch.targets is not None
    assert {tuple(target["mask"].shape) for target in batch.targets} == {(96, 96)}
    assert not batch.unusable


# What is wrong with one mask, and what is said about it.
def _png(pixels: np.ndarray) -> Callable[[Path], None]:
    return lambda path: save(path, pixels)


DAMAGED: dict[str, tuple[Callable[[Path], None], str]] = {
    "another size": (
        _png(np.zeros((20, 30), dtype=np.uint8)),
        "it has 20 x 30 pixels, but its image 20 x 24: both must be of the same height and width",
    ),
    "turned": (
        _png(np.zeros((24, 20), dtype=np.uint8)),
        "it has 24 x 20 pixels, but its image (turned by its EXIF orientation) 20 x 24",
    ),
    "a class too many": (
        _png(np.full((20, 24), 3, dtype=np.uint8)),
        "480 pixels have the number 3, but the classes are 0 to 2 and 255 is ignored",
    ),
    "colours": (
        _png(np.full((20, 24, 3), [1, 2, 3], dtype=np.uint8)),
        "its pixels are colours (RGB), but must be class indices",
    ),
    "floats": (
        lambda path: Image.new("F", (24, 20), 0.5).save(path, format="TIFF"),
        "its pixels are floating-point numbers such as 0.5, but must be class indices: whole",
    ),
    "JPEG": (
        lambda path: Image.new("L", (24, 20)).save(path, format="JPEG"),
        "it is JPEG, which does not keep numbers exactly: use PNG",
    ),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:60]), "damaged: "),
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "no picture": (lambda path: path.write_text("<html>"), "it is an HTML page, not one of"),
    "numbers below zero": (
        lambda path: Image.fromarray(np.full((20, 24), -5, dtype=np.int32)).save(
            path, format="TIFF"
        ),
        "480 pixels have the number -5",
    ),
    "gone": (lambda path: path.unlink(), "there is no such file"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_mask_is_told_with_its_file(name: str, make: Make) -> None:
    source = make()
    train, _ = split_segments(source, None, PLAIN, share=0.2)
    damage, message = DAMAGED[name]
    damage(source / "masks" / "train" / "train-1.png")
    with pytest.raises(DataError) as error:
        mask_of(train, 1)
    assert "its mask train-1.png: " in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def _rename(folder: Path, old: str, new: str) -> None:
    (folder / old).rename(folder / new)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a missing mask": (
        lambda root: (root / "masks/train/train-2.png").unlink(),
        r"1 of 3 images in .*train have no mask \(such as train-2.png, for which there is no ",
    ),
    "two images of a name": (
        lambda root: Image.new("RGB", (24, 20)).save(root / "images/train/train-0.bmp"),
        "train-0.png: train-0.bmp has the same name, which may appear once",
    ),
    "no images": (
        lambda root: [path.unlink() for path in (root / "images/train").iterdir()],
        "there are no images in .*train",
    ),
    "no classes": (lambda root: (root / "classes.txt").unlink(), "nothing names the classes of"),
    "a class twice": (
        lambda root: (root / "classes.txt").write_text("a\nb\na"),
        "classes.txt names the class a twice",
    ),
    "a class without a name": (
        lambda root: (root / "classes.txt").write_text("a\n\nb"),
        "classes.txt, line 2: a class without a name",
    ),
    "one class": (
        lambda root: (root / "classes.txt").write_text("a"),
        "names 1 classes, but two is the least",
    ),
    "classes that are no text": (
        lambda root: (root / "classes.txt").write_bytes(b"\xff\xfe\x00"),
        "classes.txt is not text in UTF-8",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_layout_is_told(name: str, make: Make) -> None:
    source = make()
    damage, message = WRONG[name]
    damage(source)
    with pytest.raises(DataError, match=message):
        split_segments(source, None, PLAIN, share=0.2)


BAD_YAMLS = {
    "train: [": "line 1: ",
    "just words": "must hold keys with values",
    "tarin: a": "has a key tarin, but may have path, train, val",
    "classes: [a, b]": "must name train, val or both",
    "train: 3": "train is 3, but must be a folder with images and masks inside",
    "train: nowhere": "train: there is no folder",
    "train: {images: images/train}": "but must be a folder with images and masks inside",
    "train: {images: images/train, masks: masks/train}\nignore_index: many": "must be a whole",
    "train: {images: images/train, masks: masks/train}\nclasses: 3": "classes is 3, but must be a",
    "!!python/object/apply:os.system ['true']": "line 1: could not determine a constructor",
}


@pytest.mark.parametrize("text", BAD_YAMLS)
def test_a_bad_yaml_is_told_in_one_line(text: str, make: Make) -> None:
    source = make()
    (source / "d.yaml").write_text(text)
    with pytest.raises(DataError) as error:
        split_segments(source / "d.yaml", None, PLAIN, share=0.2)
    assert BAD_YAMLS[text] in str(error.value)
    assert "\n" not in str(error.value)


def test_masks_without_images_are_reported(make: Make) -> None:
    source = make()
    (source / "images/val/val-0.png").unlink()
    images = images_of(layout_of(source, PLAIN), ("val",), source)
    assert images.set_aside == (("../../masks/val/val-0.png", "a mask without an image"),)


def test_whoever_asks_for_all_problems_gets_each(make: Make) -> None:
    source = make()
    (source / "masks/train/train-2.png").unlink()
    (source / "masks/train/other.png").write_bytes(b"")
    Image.new("RGB", (24, 20)).save(source / "images/train/train-0.bmp")
    images = images_of(layout_of(source, PLAIN), ("train",), source, strict=False)
    assert len(images) == 2
    assert images.set_aside == (
        ("train-0.png", "train-0.bmp has the same name, which may appear once"),
        ("train-2.png", f"there is no mask {source}/masks/train/train-2.png"),
        ("../../masks/train/other.png", "a mask without an image"),
    )


def test_only_what_is_laid_out_so_is_taken_for_label_maps(make: Make) -> None:
    source = make()
    assert has_segments(source)
    assert not has_segments(source / "images")
    (source / "d.yaml").write_text("train: {images: images/train, masks: masks/train}")
    assert has_segments(source / "d.yaml")
    (source / "d.yaml").write_text("path: masks\ntrain: images\nnames: [masks, faces]")
    assert not has_segments(source / "d.yaml")
    assert not has_segments(source / "classes.txt")


def test_the_fingerprint_follows_the_meaning_of_numbers(make: Make) -> None:
    source = make()
    one, other = (
        images_of(layout_of(source, LabelMapOptions(ignore_index=n)), ("val",), source)
        for n in (255, 254)
    )
    assert one.fingerprint() != other.fingerprint()


# Views.


def view(seed: int, size: tuple[int, int] = (16, 16), **options: object):
    """A crop of a picture whose brightness is the class, so that both can be compared."""
    mask = np.random.default_rng(0).integers(0, 3, (5, 6)).repeat(8, 0).repeat(8, 1)
    picture = np.repeat((mask * 100).astype(np.uint8)[..., None], 3, axis=2)
    torch.manual_seed(seed)
    augment = SceneAugment(**({"colour": False} | options))
    image, target = SegmentationCrop(size, augment)(
        picture, {"mask": mask.astype(np.int16)}, UNCHANGED
    )
    return image, target["mask"]


def test_image_and_mask_are_cropped_resized_and_mirrored_together() -> None:
    for seed in range(20):
        image, mask = view(seed, scale=(1.0, 2.0), short_side=40)
        inside = mask != IGNORE
        agree = (image[0] * 255 / 100).round() == mask
        # Between two classes the image is smooth and the mask is not.
        assert agree[inside].float().mean() > 0.75
        assert (image[:, ~inside] == 0).all()


def test_a_smaller_mask_lies_where_the_smaller_image_lies() -> None:
    stripes = np.tile(np.arange(60, dtype=np.int16), (60, 1))
    picture = np.repeat(stripes[..., None] * 4, 3, axis=2).astype(np.uint8)
    crop = SegmentationCrop(
        (20, 20), SceneAugment(colour=False, flip=False, scale=(1.0, 1.0), short_side=20)
    )
    image, target = crop(picture, {"mask": stripes}, UNCHANGED)
    # The middle one of each three columns; but for the edges, where the image is smoothed less.
    assert target["mask"][0, 1:-1].tolist() == list(range(4, 57, 3))
    assert (image[0, 0, 1:-1] * 255 / 4).round().tolist() == list(range(4, 57, 3))


def test_images_may_be_made_as_small_as_their_crops() -> None:
    augment = SceneAugment(scale=(1.0, 1.0), short_side="crop")
    assert augment.shorter((48, 64)) == 48
    assert SceneAugment().shorter((48, 64)) is None
    assert SegmentationCrop((48, 64), augment).factor((96, 200)) == 0.5


def test_small_images_are_filled_up_and_ignored_there() -> None:
    image, mask = view(0, (64, 64), scale=(0.5, 0.5), short_side=40)
    assert (image.shape, mask.shape) == ((3, 64, 64), (64, 64))
    assert (mask[:20, :24] != IGNORE).all()
    assert (mask[20:] == IGNORE).all()
    assert (mask[:, 24:] == IGNORE).all()


def test_the_factor_is_drawn_evenly_from_the_scale() -> None:
    crop = SegmentationCrop((512, 512), SceneAugment())
    factors = [crop.factor((512, 683)) for _ in range(400)]
    assert 0.5 <= min(factors) < 0.52
    assert 1.98 < max(factors) <= 2.0
    assert np.mean(factors) == pytest.approx(1.25, abs=0.07)


def test_images_keep_their_size_unless_told_otherwise() -> None:
    crop = SegmentationCrop((16, 16), SceneAugment(scale=(0.5, 0.5)))
    assert crop.factor((100, 300)) == 0.5


def test_long_images_are_limited_by_their_longer_side() -> None:
    assert base_factor((1024, 2048), 512) == 0.5
    assert base_factor((100, 1000), 512) == pytest.approx(2.048)


def test_a_crop_shows_more_than_one_class_where_it_can() -> None:
    mask = np.zeros((64, 64), dtype=np.int16)
    mask[24:40, 24:40] = 1
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    shares = []
    for seed in range(30):
        torch.manual_seed(seed)
        crop = SegmentationCrop((16, 16), SceneAugment(scale=(1.0, 1.0), short_side=64))
        found = crop(picture, {"mask": mask}, UNCHANGED)[1]["mask"]
        shares.append(float((found == 0).float().mean()))
    # Without another try not half of the crops would.
    assert np.mean([share < 0.75 for share in shares]) > 0.65


def test_colours_change_only_where_there_are_colours() -> None:
    plain, _ = view(3, flip=False)
    changed, _ = view(3, flip=False, colour=True)
    assert not torch.equal(plain, changed)
