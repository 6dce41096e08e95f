"""How average precision looks to a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.show import MAX_CLASSES, say, share, show_table

Numbers = Mapping[str, float | None]


def in_words(boxes: Numbers, masks: Numbers | None) -> str:
    """The average precisions of all classes, or why there are none."""
    kinds = {"boxes": boxes} if masks is None else {"boxes": boxes, "masks": masks}
    if boxes["ap"] is None:
        return "There is no AP, as no object is labelled"
    return ", ".join(f"AP of {kind} {share(numbers['ap'])}" for kind, numbers in kinds.items())


def show_precision(
    boxes: Numbers,
    masks: Numbers | None,
    per_class: Sequence[Mapping[str, Any]],
    terminal: Terminal,
) -> None:
    """COCO's numbers of all classes, and of each where there are several."""
    if len(per_class) > 1:
        rows = [
            (row["name"], f"{row['objects']:,}", share(row["box_ap"]), share(row["mask_ap"]))
            for row in per_class[:MAX_CLASSES]
        ]
        show_table(terminal, ("class", "objects", "box AP", "mask AP"), rows)
        if len(per_class) > MAX_CLASSES:
            more = len(per_class) - MAX_CLASSES
            say(terminal, f"... and {more} more classes (--json has all).")
    kinds = {"boxes": boxes} if masks is None else {"boxes": boxes, "masks": masks}
    names = ("", "AP", "AP50", "AP75", "small", "medium", "large")
    show_table(
        terminal,
        names,
        [(kind, *(share(value) for value in numbers.values())) for kind, numbers in kinds.items()],
    )
