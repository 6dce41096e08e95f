"""Folders train and val with a folder for each class, as ``fcmae finetune classify`` takes them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fcmae.data.folders import walk
from fcmae.data.image_list import ImageList
from fcmae.data.list_names import SPLITS
from fcmae.data.listing import find_images, parts_of
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.data.text_list import read_classes_of
from fcmae.errors import DataError
from fcmae.setup.words import number


@dataclass(frozen=True, kw_only=True)
class ClassParts:
    """Images of classes in parts.

    Attributes:
        images: By the name of the part: train, val, and test if there is one.
        problems: What keeps a part from being trained on or judged by.
    """

    images: dict[str, ImageList]
    problems: list[Problem]

    @property
    def labelled(self) -> bool:
        """True if the first part has classes."""
        return next(iter(self.images.values())).classes is not None


def class_parts(source: Path, *, sure: bool) -> ClassParts | None:
    """The parts of a folder; None where it has none, or nothing tells that they have classes.

    Args:
        source: What the user names.
        sure: Whether the user says that there are classes.
    """
    folders = parts_of(source) if source.is_dir() else {}
    if not any(walk(folder).files for folder in folders.values()):
        return None
    if not (sure or _have_classes(folders)):
        return None
    images, problems = dict[str, ImageList](), list[Problem]()
    known = _train(folders["train"], images, problems)
    for part, folder in folders.items():
        if part == "train" or (part == "test" and not walk(folder).files):
            continue
        try:
            images[part] = find_images(folder, labels=True if part == "val" else None)
        except DataError as error:
            problems.append(_problem(folder, "its folders", str(error).removesuffix(".")))
            if walk(folder).files:
                images[part] = find_images(folder, labels=False)
            continue
        if known:
            problems += _strangers(images[part], known)
    return ClassParts(images=images, problems=problems)


def list_parts(source: Path, *, sure: bool) -> ClassParts:
    """The parts of a list with classes; all of it where no column tells parts.

    Args:
        source: The list.
        sure: Whether the user says that there are classes.
    """
    listed = read_classes_of(source, labels=True if sure else None)
    names = list(SPLITS) if listed.divided else ["all"]
    found = {name: listed.part(name) for name in names}
    images = {name: part for name, part in found.items() if part is not None}
    problems = list(listed.problems)
    [first, *others] = images.values()
    known = first.classes or ()
    if known and "val" not in (*images,)[:1]:
        problems += _too_few(source, known)
        problems += [problem for part in others for problem in _strangers(part, known)]
    return ClassParts(images=images, problems=problems)


def _too_few(source: Path, known: tuple[str, ...]) -> Iterator[Problem]:
    """What is wrong with a single class."""
    if len(known) < 2:
        reason = "it has a single class, but a classifier needs two or more"
        yield _problem(source, f"class {known[0]}", reason)


def _train(folder: Path, images: dict[str, ImageList], problems: list[Problem]) -> tuple[str, ...]:
    """Note the images to train on and what is wrong with them; the classes that they have."""
    found = walk(folder)
    if not found.files:
        problems.append(_problem(folder, "its folders", "train has no images to learn from"))
        return ()
    try:
        images["train"] = find_images(folder, labels=True)
    except DataError as error:
        problems.append(_problem(folder, "its folders", str(error).removesuffix(".")))
        images["train"] = find_images(folder, labels=False)
        return tuple(found.folders)
    known = images["train"].classes or ()
    problems += _too_few(folder, known)
    return known


def count_classes(parts: Mapping[str, ImageList]) -> dict[str, int]:
    """Counts the images of all parts for each class of the first part."""
    [first, *_] = parts.values()
    counts = Counter[str]()
    for images in parts.values():
        if images.labels is not None and images.classes is not None:
            of_class = Counter(images.labels.tolist())
            counts += Counter({images.classes[index]: n for index, n in of_class.items()})
    return {name: counts[name] for name in first.classes or ()}


def _have_classes(folders: Mapping[str, Path]) -> bool:
    """True if train has several classes, and val has some too, or folders called like them.

    A train without images is taken for one of classes if val has several. Anything else may as
    well be images without labels that lie in folders of some kind.
    """
    train, val = walk(folders["train"]), walk(folders["val"])
    alike = not set(train.folders).isdisjoint(val.folders)
    val_has_classes = bool(val.files) and find_images(folders["val"]).classes is not None
    if not train.files:
        return val_has_classes and (alike or len(val.folders) > 1)
    if len(train.folders) < 2:
        return False
    if find_images(folders["train"]).classes is None:
        return alike and _mostly_in_folders(train.files)
    return alike or val_has_classes


def _mostly_in_folders(files: list[bytes]) -> bool:
    """True if the images beside the folders are few enough to be strays."""
    return sum(b"/" in name for name in files) > len(files) / 2


def _strangers(images: ImageList, known: tuple[str, ...]) -> Iterator[Problem]:
    """The classes of a part that no model would know."""
    counts = count_classes({"": images})
    for name in images.classes or ():
        if name not in known:
            reason = "train has no class of this name, so no classifier could know it"
            said = f"{reason} ({number(counts[name], 'image')})"
            yield _problem(images.root, f"class {name}", said)


def _problem(folder: Path, where: str, reason: str) -> Problem:
    return Problem(file=shown(folder), where=where, reason=reason)
