"""Which mask belongs to which image, by their names.

A mask has the path of its image up to the ending, or the same with one beginning or end more for
all, such as ``_mask``; or a pattern says what the names of both have around a common part.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fcmae.data.naming import shown

Stems = Mapping[str, str]
"""Names of files by their path without ending, or by what a pattern leaves of it."""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Masks of images.

    Attributes:
        masks: Name of the mask by the stem of its image.
        note: The rule by which they were found, where names differ; else empty.
    """

    masks: dict[str, str]
    note: str = ""


def by_stem(
    names: Iterable[str], pattern: str = "*"
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Files by their stem, and those whose stem another has.

    Args:
        names: Paths.
        pattern: What their last parts look like; the star stands for the stem. Others are passed
            over.

    Returns:
        The files, and (name, the one that has its stem).
    """
    before, _, after = pattern.partition("*")
    found, twice = dict[str, str](), list[tuple[str, str]]()
    for name in names:
        folder, last = os.path.split(name)
        if pattern == "*":
            stem = stem_of(last)
        elif last.startswith(before) and last.endswith(after):
            stem = last[len(before) : len(last) - len(after)]
            # "_mask" may stand before any ending.
        elif last.startswith(before) and stem_of(last).endswith(after):
            stem = stem_of(last)[len(before) : len(stem_of(last)) - len(after)]
        else:
            continue
        key = os.path.join(folder, stem)
        if key in found:
            twice.append((name, found[key]))
        else:
            found[key] = name
    return found, twice


def stem_of(name: str) -> str:
    """A name without its ending, of which .ome.tif is one."""
    stem = os.path.splitext(name)[0]
    return stem[: -len(".ome")] if stem.lower().endswith(".ome") else stem


def match(images: Stems, masks: Stems) -> Matched:
    """Finds the mask of each image; where names are not equal, by one rule for all images."""
    equal = {stem: masks[stem] for stem in images if stem in masks}
    if equal or not images:
        return Matched(masks=equal)
    whole = {stem: masks[name] for stem, name in images.items() if name in masks}
    if len(whole) == len(images):
        return Matched(masks=whole, note=_note(images, whole))
    found = [(affix, _with(affix, images, masks)) for affix in _affixes(next(iter(images)), masks)]
    complete = [found_masks for _, found_masks in found if len(found_masks) == len(images)]
    if len(complete) == 1:
        return Matched(masks=complete[0], note=_note(images, complete[0]))
    return Matched(masks={})


def _affixes(stem: str, masks: Stems) -> list[tuple[str, str]]:
    """What masks have before and behind the last part of an image's stem."""
    folder, last = os.path.split(stem)
    found = dict[tuple[str, str], None]()
    for mask in masks:
        where, name = os.path.split(mask)
        if where == folder and last in name:
            before, _, after = name.partition(last)
            if any(not letter.isdecimal() for letter in before + after):
                found[before, after] = None
    return list(found)


def _with(affix: tuple[str, str], images: Stems, masks: Stems) -> dict[str, str]:
    before, after = affix
    found = dict[str, str]()
    for stem in images:
        folder, last = os.path.split(stem)
        mask = os.path.join(folder, f"{before}{last}{after}")
        if mask in masks:
            found[stem] = masks[mask]
    return found


def _note(images: Stems, masks: Mapping[str, str]) -> str:
    stem = next(iter(images))
    return f"Masks are called as {shown(masks[stem])} is for {shown(images[stem])}."


def further_mask(stem: str, images: Stems) -> str | None:
    """The image that an unpaired mask may be a further mask of, such as a_mask_1 of a."""
    last = os.path.basename(stem)
    for image in images:
        start = os.path.basename(image)
        if last.startswith(start) and last[len(start) : len(start) + 1] in ("_", "-", " ", "."):
            return images[image]
    return None
