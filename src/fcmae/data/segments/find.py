"""From what a user names as data to images with label maps.

An image and its mask have the same path inside their folders, up to the ending.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fcmae.data.held_out import hold_out
from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.segments.classes import NamedClasses
from fcmae.data.segments.label_maps import LabelMapAnnotations, MapFiles
from fcmae.data.segments.layout import SegmentFolders, layout_of
from fcmae.data.segments.look import looked_at
from fcmae.data.segments.meaning import Meaning, stated
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.pairing import Stems, further_mask, match
from fcmae.data.segments.parts import SegmentPart, files_of
from fcmae.data.source import ImageSource, is_held, sole_path
from fcmae.errors import DataError
from fcmae.flags import option


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
        return train, evaluation_segments(val, meant(train), train.classes)
    source = sole_path(source, "label maps")
    layout = layout_of(source, options)
    train = images_of(layout, ("train", "all"), source)
    if val is not None and is_held(val):
        return train, evaluation_segments(val, meant(train), train.classes)
    meaning = replace(meaning_of(train), notes=())
    if val is not None:
        val = sole_path(val, "label maps")
        other = replace(layout, parts=layout_of(val, options).parts)
        return train, images_of(other, ("val", "all"), val, meaning=meaning)
    if "val" in layout.parts:
        return train, images_of(layout, ("val",), source, meaning=meaning)
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
        layout = replace(layout, named=NamedClasses(names=tuple(classes)))
    return images_of(layout, ("val", "all"), source).with_classes(classes)


def meaning_of(images: ImageList) -> Meaning:
    """The meaning of the label maps of images that have some."""
    assert isinstance(images.annotations, LabelMapAnnotations)
    return images.annotations.meaning


def meant(images: ImageList) -> LabelMapOptions:
    """The options that say what the label maps of images are known to mean."""
    meaning = meaning_of(images)
    return LabelMapOptions(
        numbers=meaning.numbers,
        ignore_index=meaning.ignore_index,
        reduce_zero_label=meaning.reduce_zero_label,
    )


def _from_program(
    source: ImageSource, options: LabelMapOptions, classes: Sequence[str] | None = None
) -> ImageList:
    from fcmae.data.items.label_maps import segment_items

    return segment_items(source, options, classes)


def images_of(
    layout: SegmentFolders,
    names: Sequence[str],
    source: Path,
    *,
    strict: bool = True,
    meaning: Meaning | None = None,
) -> ImageList:
    """The images of the first of these parts that there is.

    Args:
        layout: Where they are.
        names: The parts, the one wanted most first.
        source: What the user named, for messages.
        strict: Whether an image without a mask is an error, or set aside with the reason.
        meaning: Meaning of the label maps; by default what they look like.

    Raises:
        DataError: There is no such part, nothing names its classes, or its label maps cannot be
            meant as they are.
    """
    if layout.named is None:
        raise DataError(
            f"nothing names the classes of {shown(source)}: put a classes.txt there, one name per "
            f"line in the order of their numbers, or give {option('labels.classes')}."
        )
    part = next((layout.parts[name] for name in names if name in layout.parts), None)
    if part is None:
        raise DataError(
            f"{shown(source)} has a part {' and '.join(layout.parts)}, but none called {names[0]}."
        )
    images, masks = pair(part, strict=strict)
    maps = MapFiles(files=masks)
    if meaning is None:
        meaning = looked_at(images, maps, stated(layout.named, layout.said, shown(source)))
    if strict and meaning.doubt:
        raise DataError(f"{shown(source)}: {meaning.doubt}.")
    doubts = (f"{shown(source)}: {meaning.doubt}.",) if meaning.doubt else ()
    return replace(
        images,
        classes=meaning.classes,
        annotations=LabelMapAnnotations.of(maps, meaning),
        notes=(*images.notes, *meaning.notes, *doubts),
    )


def pair(part: SegmentPart, *, strict: bool = True) -> tuple[ImageList, ImageList]:
    """Images and their masks, in the images' order.

    Raises:
        DataError: If strict, an image has no mask, or two files could be meant.
    """
    found = files_of(part)
    images, masks = (one.files for one in found)
    aside = [
        (
            _from(folder / name, part.images),
            f"{shown(other)} has the same name, which may appear once",
        )
        for folder, one in zip((part.images, part.masks), found, strict=True)
        for name, other in one.twice
    ]
    if not images:
        raise DataError(f"there are no images in {shown(part.images)}.")
    if strict and aside:
        raise DataError(f"{shown(part.images / aside[0][0])}: {aside[0][1]}.")
    matched = match(images, masks)
    missing = [stem for stem in images if stem not in matched.masks]
    if strict and missing:
        raise _without_mask(part, images, missing)
    for stem in missing:
        mask = shown(part.masks / stem)
        aside.append((shown(images[stem]), f"there is no mask {mask}.png"))
    used = {*matched.masks.values()}
    for stem, name in masks.items():
        if name in used:
            continue
        further = further_mask(stem, images) if matched.note or part.mask_pattern == "*" else None
        reason = f"a further mask of {shown(further)}" if further else "a mask without an image"
        if strict and further:
            raise DataError(
                f"{shown(part.masks / name)} is {reason}, but an image has one: write all classes "
                "into one mask."
            )
        aside.append((_from(part.masks / name, part.images), reason))
    named = [stem for stem in images if stem in matched.masks]
    notes = (matched.note,) if matched.note else ()
    return (
        ImageList.of(
            part.images,
            [os.fsencode(images[stem]) for stem in named],
            set_aside=tuple(aside),
            notes=notes,
        ),
        ImageList.of(part.masks, [os.fsencode(matched.masks[stem]) for stem in named]),
    )


def _without_mask(part: SegmentPart, images: Stems, missing: Sequence[str]) -> DataError:
    """The error that images have no mask."""
    return DataError(
        f"{len(missing)} of {len(images)} images in {shown(part.images)} have no mask (such as "
        f"{shown(images[missing[0]])}, for which there is no "
        f"{shown(part.masks / missing[0])}.png). A mask has the name of its image, up to the "
        f"ending; others are told by {option('labels.masks')}, such as '*_mask.png'."
    )


def _from(path: Path, folder: Path) -> str:
    return shown(os.path.relpath(path, folder))
