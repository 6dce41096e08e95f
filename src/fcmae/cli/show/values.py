"""Shows the results of estimators of labels or numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.show import MAX_CLASSES, say, share, show_places, show_table, show_unusable
from fcmae.inference.values.options import Estimated, PredictedValues
from fcmae.setup.words import number
from fcmae.training import FinetunedValues


def show_finetuned_values(result: FinetunedValues, terminal: Terminal) -> None:
    """The table per value, and where things are."""
    show_values(result.per_value, terminal)
    words = in_words(result.mean_ap, result.mae, result.r2, result.per_value)
    say(
        terminal,
        f"{words} on "
        f"{number(result.val_images, 'image')} after {number(result.steps, 'step')} on "
        f"{number(result.train_images, 'image')}.",
    )
    show_places(terminal, weights=result.weights)
    say(
        terminal,
        f"Next: fcmae predict values --data IMAGES --weights {result.out} --out predictions.csv",
    )


def in_words(
    mean_ap: float | None,
    mae: float | None,
    r2: float | None,
    per_value: Sequence[Mapping[str, Any]],
) -> str:
    """The means that there are, or why there are none."""
    if mean_ap is not None:
        return f"Mean average precision {mean_ap:.1%}"
    if _are_labels(per_value):
        return "No label has a positive example, so there is no average precision"
    if mae is None:
        return "No number is known, so there is no absolute error"
    return f"Mean absolute error {_number(mae)}, R2 {_number(r2)}"


def show_values(per_value: Sequence[Mapping[str, Any]], terminal: Terminal) -> None:
    """Shows the metrics of each label or number."""
    if _are_labels(per_value):
        columns = ("label", "images", "positives", "average precision")
        rows = [
            (row["name"], f"{row['images']:,}", f"{row['positives']:,}", share(row["ap"]))
            for row in per_value[:MAX_CLASSES]
        ]
    else:
        columns = ("number", "images", "absolute error", "R2")
        rows = [
            (row["name"], f"{row['images']:,}", _number(row["mae"]), _number(row["r2"]))
            for row in per_value[:MAX_CLASSES]
        ]
    show_table(terminal, columns, rows)
    if len(per_value) > MAX_CLASSES:
        say(terminal, f"... and {len(per_value) - MAX_CLASSES} more (--json has all).")


def show_estimated(result: Estimated, terminal: Terminal) -> None:
    """The table per value, the files left out, and the means."""
    show_values(result.per_value, terminal)
    show_unusable(result.unusable, terminal)
    words = in_words(result.mean_ap, result.mae, result.r2, result.per_value)
    say(terminal, f"{words} on {number(result.images, 'image')}.")


def _are_labels(per_value: Sequence[Mapping[str, Any]]) -> bool:
    """True if these are labels, whose positives are counted, also where there are none."""
    return any(row["positives"] is not None for row in per_value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def show_predicted_values(result: PredictedValues, terminal: Terminal) -> None:
    """The mean of each value, and where the table is."""
    rows = [(name, f"{mean:.4g}") for name, mean in list(result.means.items())[:20]]
    show_table(terminal, ("value", "mean"), rows)
    show_unusable(result.unusable, terminal)
    say(terminal, f"Looked at {number(result.images, 'image')}.")
    show_places(terminal, table=result.out)
