"""What there is to check: the parts of a data set, by how they are laid out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.objects.collect import Problem
from fcmae.data.objects.find import has_objects, parts_of, read_part
from fcmae.data.options import LabelMapOptions
from fcmae.data.segments.find import images_of
from fcmae.data.segments.layout import has_segments, layout_of

LabelledFor = Literal["auto", "classify", "segment", "detect"]


@dataclass(kw_only=True)
class Parts:
    """The images of each part by name, and labels that are wrong before any image is opened."""

    images: dict[str, ImageList]
    problems: list[Problem] = field(default_factory=list)


def find_parts(data: Path, task: LabelledFor, labels: LabelMapOptions) -> Parts:
    """List everything that a task would read of a data set, without stopping at what is wrong.

    By ``auto`` folders of images and masks are label maps; else files that name objects are taken,
    else images with or without classes. What is both is checked for the first.
    """
    if task == "segment" or (task == "auto" and data.exists() and has_segments(data)):
        layout = layout_of(data, labels)
        names = list(layout.parts)
        return Parts(images={n: images_of(layout, (n,), data, strict=False) for n in names})
    if task == "detect" or (task == "auto" and data.exists() and has_objects(data)):
        found = {name: read_part(part) for name, part in parts_of(data).items()}
        return Parts(
            images={name: part.images for name, part in found.items()},
            problems=[problem for part in found.values() for problem in part.problems],
        )
    return Parts(images={"all": find_images(data, labels=True if task == "classify" else None)})
