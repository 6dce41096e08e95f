"""From what a user names as data to images with label maps.

An image and its mask have the same path inside their folders, up to the ending.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fcmae.data.folders import walk
from fcmae.data.held_out import hold_out
from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.options import LabelMapOptions
from fcmae.data.segments.label_maps import LabelMapAnnotations, MapFiles, table_of
from fcmae.data.segments.layout import SegmentFolders, SegmentPart, layout_of
from fcmae.data.source import ImageSource, is_held, sole_path
from fcmae.errors import DataError
from fcmae.flags import option

Aside = list[tuple[str, str]]
"""Files that are left out, each with the reason."""


def split_segments(
    source: ImageSource, val: ImageSource | None, options: LabelMapOptions, *, share: float
) -> tuple[ImageList, ImageList]:
    """Images with label maps to train on and to validate on, with the same classes.

    Taken are: ``val`` where it is named; else the parts of the source; else a share of its images
    is held out, chosen by the hash of each name.
    """
    if is_held(source):
        train = _from_program(source, options)
        if val is None:
            return hold_out(train, share)
        return train, evaluation_segments(val, options, train.classes)
    source = sole_path(source, "label maps")
    layout = layout_of(source, options)
    train = images_of(layout, ("train", "all"), source)
    if val is not None and is_held(val):
        ignore, reduce = layout.ignore_index, layout.reduce_zero_label
        meant = replace(options, ignore_index=ignore, reduce_zero_label=reduce)
        return train, evaluation_segments(val, meant, train.classes)
    if val is not None:
        val = sole_path(val, "label maps")
        other = replace(layout, parts=layout_of(val, options).parts)
        return train, images_of(other, ("val", "all"), val)
    if "val" in layout.parts:
        return train, images_of(layout, ("val",), source)
    return hold_out(train, share)


def evaluation_segments(
    source: ImageSource, options: LabelMapOptions, classes: Sequence[str] | None = None
) -> ImageList:
    """Images with label maps of a model's classes: the part to validate on, where there are parts.

    The source's own names of classes are compared with the model's; a source that has none is
    taken to mean the model's, in their order.
    """
    if is_held(source):
        images = _from_program(source, options, classes)
        return images if classes is None else images.with_classes(classes)
    source = sole_path(source, "label maps")
    layout = layout_of(source, options)
    if classes is None:
        return images_of(layout, ("val", "all", "train"), source)
    if layout.classes is None:
        layout = replace(layout, classes=tuple(classes))
    return images_of(layout, ("val", "all"), source).with_classes(classes)


def default_numbers(source: ImageSource) -> tuple[int, bool]:
    """The number that is ignored, and whether 0 is too, where no option tells."""
    if is_held(source):
        return SegmentFolders.ignore_index, SegmentFolders.reduce_zero_label
    layout = layout_of(sole_path(source, "label maps"), LabelMapOptions())
    return layout.ignore_index, layout.reduce_zero_label


def _from_program(
    source: ImageSource, options: LabelMapOptions, classes: Sequence[str] | None = None
) -> ImageList:
    from fcmae.data.items.label_maps import segment_items

    return segment_items(source, options, classes)


def images_of(
    layout: SegmentFolders, names: Sequence[str], source: Path, *, strict: bool = True
) -> ImageList:
    """The images of the first of these parts that there is.

    Args:
        layout: Where they are.
        names: The parts, the one wanted most first.
        source: What the user named, for messages.
        strict: Whether an image without a mask is an error, or set aside with the reason.
    """
    if layout.classes is None:
        raise DataError(
            f"nothing names the classes of {shown(source)}: put a classes.txt there, one name per "
            f"line in the order of their numbers, or give {option('labels.classes')}."
        )
    part = next((layout.parts[name] for name in names if name in layout.parts), None)
    if part is None:
        raise DataError(
            f"{shown(source)} has a part {' and '.join(layout.parts)}, but none called {names[0]}."
        )
    table = table_of(
        len(layout.classes),
        ignore_index=layout.ignore_index,
        reduce_zero_label=layout.reduce_zero_label,
    )
    images, maps = pair(part, strict=strict)
    return replace(
        images,
        classes=layout.classes,
        annotations=LabelMapAnnotations(maps=MapFiles(files=maps), table=table),
    )


def pair(part: SegmentPart, *, strict: bool = True) -> tuple[ImageList, ImageList]:
    """Images and masks with equal paths up to the ending, in the images' order.

    Raises:
        DataError: If strict, an image has no mask, or two files could be meant.
    """
    aside: Aside = []
    images, masks = (_by_stem(folder, part.images, aside) for folder in (part.images, part.masks))
    if not images:
        raise DataError(f"there are no images in {shown(part.images)}.")
    if strict and aside:
        raise DataError(f"{shown(part.images / aside[0][0])}: {aside[0][1]}.")
    missing = [stem for stem in images if stem not in masks]
    if strict and missing:
        first = images[missing[0]]
        raise DataError(
            f"{len(missing)} of {len(images)} images in {shown(part.images)} have no mask (such as "
            f"{shown(os.fsdecode(first))}, for which there is no "
            f"{shown(part.masks / os.fsdecode(missing[0]))}.png). A mask has the name of its "
            "image, up to the ending."
        )
    for stem in missing:
        mask = shown(part.masks / os.fsdecode(stem))
        aside.append((shown(os.fsdecode(images.pop(stem))), f"there is no mask {mask}.png"))
    for stem in [stem for stem in masks if stem not in images]:
        name = os.path.relpath(part.masks / os.fsdecode(masks[stem]), part.images)
        aside.append((shown(name), "a mask without an image"))
    return (
        ImageList.of(part.images, list(images.values()), set_aside=tuple(aside)),
        ImageList.of(part.masks, [masks[stem] for stem in images]),
    )


def _by_stem(folder: Path, root: Path, aside: Aside) -> dict[bytes, bytes]:
    """The files of a folder, read recursively, by their path without the ending."""
    found: dict[bytes, bytes] = {}
    for name in walk(folder).files:
        stem = os.path.splitext(name)[0]
        if stem in found:
            path = os.path.relpath(folder / os.fsdecode(name), root)
            other = shown(os.fsdecode(found[stem]))
            aside.append((shown(path), f"{other} has the same name, which may appear once"))
        else:
            found[stem] = name
    return found
