"""Gathering objects from a label file while noting whatever is wrong with them."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image import UnusableImage, upright_size
from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.objects.gather import Gathering
from fcmae.data.objects.rows import BoxCorners, as_table
from fcmae.data.objects.rules import LabelRules
from fcmae.data.objects.table import TURNED, Objects
from fcmae.data.problem import Problem


@dataclass(frozen=True, kw_only=True)
class LabelledObjects:
    """Images with their objects, and what had to be left out.

    Attributes:
        images: The images; their ``annotations`` are ``Objects``.
        problems: Labels that are wrong, none of which is among the objects.
        notes: Facts about the labels that a person would want to know, each a phrase.
    """

    images: ImageList
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def objects(self) -> Objects:
        """The objects of the images."""
        assert isinstance(self.images.annotations, Objects)
        return self.images.annotations


class Collector:
    """Images and objects in the order they are found; sound ones are kept, others noted.

    Args:
        source: The label file or folder.
        root: The folder that the images' names are relative to.
        classes: Names of the classes.
        class_ids: Their numbers in COCO files, by default 1, 2, ...
        rules: What becomes of labels that may be taken in several ways.
    """

    def __init__(
        self,
        source: Path,
        root: Path,
        classes: Sequence[str],
        class_ids: Sequence[int] | None = None,
        *,
        rules: LabelRules,
    ) -> None:
        self.source, self.root, self.rules = source, root, rules
        self._gathering = Gathering(rules)
        self.classes = list(classes)
        self.class_ids = class_ids
        self.problems: list[Problem] = []
        self.sizes: list[tuple[int, int]] = []
        self._names: list[bytes] = []
        self._image_ids: list[int] = []
        self._places: dict[bytes, int] = {}
        self._told_by: list[tuple[str, Path | None] | None] = []
        self._misfits: dict[int, int | None] = {}
        self._passed_over = Counter[int]()

    def complain(self, where: str, reason: str, file: Path | None = None) -> None:
        """Note a problem."""
        self.problems.append(Problem(file=shown(file or self.source), where=where, reason=reason))

    def note(self, what: str, where: str = "") -> None:
        """Count something that is no fault of the labels; the first place is told."""
        self._gathering.note(what, where)

    def sizes_of(self, images: Sequence[int]) -> NDArray[np.int64]:
        """Height and width of images by their places."""
        return np.array([self.sizes[image] for image in images], dtype=np.int64).reshape(-1, 2)

    def pass_over(self, problem: int) -> None:
        """Count an object that cannot be taken in because of an image's problem, by its place."""
        self._passed_over[problem] += 1

    def add_image(
        self,
        name: bytes,
        *,
        where: str,
        size: tuple[int, int] | None = None,
        image_id: int | None = None,
        file: Path | None = None,
    ) -> int | None:
        """Take in an image of which the labels tell; give back its place, or None if unusable.

        Args:
            name: Path relative to the root.
            where: Where the labels name it.
            size: Height and width that the labels tell; without it the image's file is asked.
            image_id: Its number in COCO files.
            file: The label file, where each image has its own.
        """
        path = self.root / Path(name.decode("utf-8", "surrogateescape"))
        if name in self._places:
            self.complain(where, f"the image {shown(path)} was named before", file)
            return None
        if not path.is_file():
            self.complain(where, f"its image {shown(path)} does not exist", file)
            return None
        told_by = None if size is None else (where, file)
        if size is None:
            try:
                size = upright_size(path)
            except UnusableImage as error:
                self.complain(where, f"its image {error}", file)
                return None
        self._places[name] = len(self._names)
        self._names.append(name)
        self._told_by.append(told_by)
        self.sizes.append(size)
        self._image_ids.append(len(self._names) if image_id is None else image_id)
        return self._places[name]

    def add(
        self,
        image: int,
        label: int,
        box: BoxCorners,
        *,
        where: str,
        crowd: bool = False,
        outline: Any = None,
        area: float | None = None,
        file: Path | None = None,
    ) -> None:
        """Take in an object, unless something is wrong with its box or outline."""
        told = f"{_shown(file or self.source)}, {where}"
        take = partial(
            self._gathering.add,
            image,
            label,
            box,
            self.sizes[image],
            where=told,
            crowd=crowd,
            outline=outline,
            area=area,
        )
        reason = take()
        if reason is None:
            return
        if (problem := self._misfit(image)) is not None:
            self.pass_over(problem)
        elif not self.rules.clip or (reason := take(clip=True)):
            self.complain(where, reason, file)

    def _misfit(self, image: int) -> int | None:
        """The place of the problem that an image has another size than its labels say, or None.

        The file is asked when the first of its objects does not fit.
        """
        if image not in self._misfits:
            self._misfits[image] = self._compare_size(image)
        return self._misfits[image]

    def _compare_size(self, image: int) -> int | None:
        told_by = self._told_by[image]
        if told_by is None:
            return None
        try:
            have = upright_size(self.root / os.fsdecode(self._names[image]))
        except UnusableImage:
            return None  # told when it is decoded
        if have == self.sizes[image]:
            return None
        (where, file), (height, width) = told_by, self.sizes[image]
        said = f"its labels are for {width} x {height} pixels (width x height)"
        turned = f" ({TURNED})" if have == (width, height) else ""
        self.complain(where, f"{said}, but the image has {have[1]} x {have[0]}{turned}", file)
        return len(self.problems) - 1

    def _all_problems(self) -> tuple[Problem, ...]:
        """The problems, those of images with how many objects are lost by them."""
        problems = [*self.problems]
        for place, count in self._passed_over.items():
            objects = "1 object of it is" if count == 1 else f"{count:,} objects of it are"
            reason = f"{problems[place].reason} ({objects} passed over)"
            problems[place] = replace(problems[place], reason=reason)
        return tuple(problems)

    def finish(self, set_aside: tuple[tuple[str, str], ...] = ()) -> LabelledObjects:
        """The images in their order, each with its objects in theirs."""
        ids = range(1, len(self.classes) + 1) if self.class_ids is None else self.class_ids
        objects = as_table(
            self._gathering.rows,
            source=shown(self.source),
            sizes=self.sizes,
            image_ids=self._image_ids,
            class_ids=ids,
        )
        images_found = ImageList.of(
            self.root,
            self._names,
            classes=tuple(self.classes),
            annotations=objects,
            set_aside=set_aside,
        )
        return LabelledObjects(
            images=images_found, problems=self._all_problems(), notes=self._gathering.notes
        )


@lru_cache(maxsize=4)
def _shown(path: Path) -> str:
    return shown(path)
