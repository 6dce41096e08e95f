"""Files of an evaluation of classes: the confusion matrix as a picture, and a table per class."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Int
from torch import Tensor

from fcmae.analysis.pictures import confusion_matrix
from fcmae.files.journal import Journal
from fcmae.files.tables import write_table

CONFUSION, PER_CLASS = FILES = ("confusion.png", "per_class.csv")


def write_classes(
    journal: Journal,
    confusion: Int[Tensor, "classes classes"],
    classes: Sequence[str],
    rows: Sequence[Any],
    columns: Sequence[str],
) -> None:
    """Write both.

    Args:
        journal: By which to write files.
        confusion: How much of each class (rows) was called each class (columns).
        classes: Their names.
        rows: What was found of each class.
        columns: Attributes of a row, in the order of the table.
    """
    with journal.writing(CONFUSION) as path:
        confusion_matrix(confusion, classes, path)
    with journal.writing(PER_CLASS) as path:
        write_table(path, {name: [str(getattr(row, name)) for row in rows] for name in columns})
