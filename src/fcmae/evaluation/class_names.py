"""Names of a classifier's classes, for comparing it with labels; without PyTorch."""

from collections.abc import Sequence

from fcmae.data.image_list import ImageList
from fcmae.errors import CheckpointError


def class_names(
    images: ImageList, *, known: Sequence[str] | None, number: int, source: object
) -> list[str]:
    """The classes of a classifier; without names, those of as many folders of images in order.

    Args:
        images: Labelled images.
        known: Names of the classifier's classes, if it has them.
        number: How many classes it tells apart.
        source: What it is called in the message.

    Raises:
        CheckpointError: The classifier has no names, and the labels are of another number.
    """
    if known is not None:
        return list(known)
    found = list(images.classes or ())
    if len(found) != number:
        raise CheckpointError(
            f"{source} does not name its {number} classes, and there are labels of {len(found)}, "
            "so that they cannot be compared."
        )
    return found
