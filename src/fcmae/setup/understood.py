"""Says what was understood of a source of images before anything is learnt from it."""

from collections.abc import Iterator

from fcmae.data.duplicates import MANY, duplicates
from fcmae.data.file_names import NOBODY_MISSES
from fcmae.data.image_list import ImageList
from fcmae.setup.words import number


def understood(train: ImageList, val: ImageList | None = None) -> Iterator[str]:
    """Yields a sentence for each thing about images that a person would want to know.

    Args:
        train: Images to train on.
        val: Images to validate on.
    """
    lists = [train] if val is None else [train, val]
    yield from dict.fromkeys(note for images in lists for note in images.notes)
    parts = {"train": train} if val is None else {"train": train, "val": val}
    yield from duplicates(parts, most=MANY).sentences()
    aside = dict(entry for images in lists for entry in images.set_aside)
    aside = {path: why for path, why in aside.items() if why not in NOBODY_MISSES}
    if aside:
        path, why = next(iter(aside.items()))
        is_left = "are left out, such as" if len(aside) > 1 else "is left out:"
        yield f"{number(len(aside), 'file')} {is_left} {path} ({why})."
