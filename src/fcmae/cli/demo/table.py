"""Result of the demo, as a table and the paths to open."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, share, show_places, show_table
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class DemoStart:
    """One row of the table. Accuracies are shares of the validation crops.

    Attributes:
        start: Where the encoder's weights come from.
        neighbours: Accuracy of nearest neighbours before any training with labels.
        finetuned: Accuracy after training with labels, at the better learning rate.
        base_lr: That learning rate.
        by_rate: Accuracy at each learning rate.
    """

    start: str
    neighbours: float
    finetuned: float
    base_lr: float
    by_rate: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Demonstrated(Result):
    """Result of the demo.

    Attributes:
        rows: The table: from scratch, and pre-trained.
        epochs: Passes over the labelled crops.
        classes: Number of photographs.
        unlabelled: Crops pre-trained on.
        labelled: Crops fine-tuned on.
        validation: Crops tested on.
        pretraining_loss: The last loss of the pre-training.
        seconds: How long everything took.
        reconstructions: A picture of what the pre-trained model makes of hidden patches.
        confusion: A picture of what is taken for what.
        report: A page of all runs, with curves and pictures.
        weights: The fine-tuned weights.
        out: Folder of everything.
    """

    rows: list[DemoStart]
    epochs: int
    classes: int
    unlabelled: int
    labelled: int
    validation: int
    pretraining_loss: float
    seconds: float
    reconstructions: Path
    confusion: Path
    report: Path
    weights: Path
    out: Path


def row(start: str, neighbours: float, by_rate: Mapping[float, float]) -> DemoStart:
    """A row of the table, with the better learning rate of its own."""
    best = max(by_rate, key=lambda rate: by_rate[rate])
    return DemoStart(
        start=start,
        neighbours=neighbours,
        finetuned=by_rate[best],
        base_lr=best,
        by_rate={f"{rate:g}": top for rate, top in by_rate.items()},
    )


def show_demonstrated(result: Demonstrated, terminal: Terminal) -> None:
    """The table, what it says, and what to open."""
    rates = list(result.rows[0].by_rate)
    columns = ("encoder", "neighbours", *(f"rate {rate}" for rate in rates), "the better")
    rows = [
        (
            row.start,
            share(row.neighbours),
            *(share(row.by_rate[rate]) for rate in rates),
            share(row.finetuned),
        )
        for row in result.rows
    ]
    say(terminal, "")
    show_table(terminal, columns, rows)
    say(
        terminal,
        f"Accuracy on {result.validation} crops of {result.classes} photographs (chance: "
        f"{1 / result.classes:.1%}) after {result.epochs} epochs on {result.labelled} "
        "labelled crops, the same for both rows. The better rate is chosen on these crops too.",
    )
    say(terminal, f"Everything took {result.seconds:.0f} s. To open:")
    show_places(terminal, report=result.report, pictures=result.reconstructions)
    show_places(terminal, confusion=result.confusion, weights=result.weights)
