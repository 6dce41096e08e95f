"""Shows the results of detectors."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.show import MAX_CLASSES, say, share, show_places, show_table, show_unusable
from fcmae.inference.detection.options import DetectorEvaluated, DetectorPredicted
from fcmae.setup.words import number
from fcmae.training import DetectorTrained


def show_detector_trained(result: DetectorTrained, terminal: Terminal) -> None:
    """Average precision, and where things are."""
    show_precision(result.boxes, result.masks, result.per_class, terminal)
    say(
        terminal,
        f"{in_words(result.boxes, result.masks)}: validated on "
        f"{number(result.val_images, 'image')} after {number(result.steps, 'step')} on "
        f"{number(result.train_images, 'image')}.",
    )
    show_places(terminal, weights=result.weights, pictures=result.pictures)
    say(
        terminal,
        f"Next: fcmae predict detect --data IMAGES --weights {result.out} --out detections",
    )


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


def show_detector_evaluated(result: DetectorEvaluated, terminal: Terminal) -> None:
    """COCO's numbers and the files left out."""
    show_precision(result.boxes, result.masks, result.per_class, terminal)
    show_unusable(result.unusable, terminal)
    say(terminal, f"{in_words(result.boxes, result.masks)} on {number(result.images, 'image')}.")
    show_places(terminal, results=result.out)


def show_detector_predicted(result: DetectorPredicted, terminal: Terminal) -> None:
    """Shows the number of objects of each class, and where they are written."""
    rows = [(name, f"{count:,}") for name, count in list(result.objects.items())[:20]]
    if rows:
        show_table(terminal, ("class", "objects"), rows)
    elif result.images:
        say(terminal, "No object reaches the score that is asked for: --score lowers it.")
    show_unusable(result.unusable, terminal)
    say(terminal, f"Looked at {number(result.images, 'image')}.")
    show_places(terminal, results=result.out)
