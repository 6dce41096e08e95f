"""From a source to images with their objects."""

from collections.abc import Sequence
from dataclasses import replace

from fcmae.data.held_out import hold_out
from fcmae.data.naming import shown
from fcmae.data.objects.coco import read_coco
from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.numbered import read_numbered
from fcmae.data.objects.part import ObjectPart
from fcmae.data.objects.parts import only_part, part_to_validate, parts_of
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.data.objects.voc import read_voc
from fcmae.data.objects.yolo import read_yolo
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource, is_held, sole_path


def split_objects(
    source: ImageSource,
    val: ImageSource | None = None,
    *,
    share: float = 0.2,
    loader: Loader | None = None,
    rules: LabelRules = AS_WRITTEN,
) -> tuple[LabelledObjects, LabelledObjects]:
    """Images with objects to train on and to validate on, with the same classes.

    Taken are: ``val`` where it is named; else the parts of the source; else a share of its images
    is held out, chosen by the hash of each name.

    Args:
        source: The images.
        val: Those to validate on.
        share: How many are held out where there are none to validate on.
        loader: How many processes read the items of a data set.
        rules: What becomes of labels that may be taken in several ways.
    """
    if is_held(source):
        train, parts, called = _from_program(source, loader, rules), dict[str, ObjectPart](), ""
    else:
        path = sole_path(source, "labels of objects")
        parts, called = parts_of(path), shown(path)
        train = read_part(parts.get("train") or only_part(path, parts), rules=rules)
    if val is not None:
        return train, evaluation_objects(
            val, train.images.classes or (), loader=loader, rules=rules
        )
    if "val" in parts:
        return train, read_part(parts["val"], classes=train.images.classes, rules=rules)
    kept, out = hold_out(train.images, share, called=called)
    return replace(train, images=kept), LabelledObjects(images=out)


def evaluation_objects(
    source: ImageSource,
    classes: Sequence[str],
    *,
    loader: Loader | None = None,
    rules: LabelRules = AS_WRITTEN,
) -> LabelledObjects:
    """Images with objects of a model's classes: the part to validate on, where there are parts."""
    if is_held(source):
        found = _from_program(source, loader, rules)
        return replace(found, images=found.images.with_classes(classes))
    part = part_to_validate(sole_path(source, "labels of objects"))
    return read_part(part, classes=classes, rules=rules)


def _from_program(source: ImageSource, loader: Loader | None, rules: LabelRules) -> LabelledObjects:
    from fcmae.data.items.objects import object_items

    return object_items(source, loader, rules)


def read_part(
    part: ObjectPart,
    *,
    classes: Sequence[str] | None = None,
    rules: LabelRules = AS_WRITTEN,
) -> LabelledObjects:
    """Read the labels of one part.

    Args:
        part: Where they are.
        classes: The only classes there may be, in this order; by default those of the labels.
        rules: What becomes of labels that may be taken in several ways.
    """
    if part.kind == "coco":
        found = read_coco(part.labels, part.images, rules)
    elif part.kind == "yolo":
        found = read_yolo(
            (part.labels, *part.more),
            part.classes or classes,
            texts=part.texts,
            keypoints=part.keypoints,
            rules=rules,
        )
    elif part.kind == "numbers":
        found = read_numbered(part, classes, rules)
    else:
        found = _read_voc(part, classes, rules)
    if classes is None or found.images.classes == tuple(classes):
        return found
    return replace(found, images=found.images.with_classes(classes))


def _read_voc(
    part: ObjectPart, classes: Sequence[str] | None, rules: LabelRules
) -> LabelledObjects:
    if part.names is None:
        files = sorted(part.labels.glob("*.xml"))
    else:
        files = [part.labels / f"{name}.xml" for name in part.names]
    images = part.images or part.labels
    return read_voc(files, source=part.labels, images=images, classes=classes, rules=rules)
