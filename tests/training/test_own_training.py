"""A training of one's own is a class of options with three methods; the prologue is the same."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from fcmae.data.augment import Supervised
from fcmae.data.feed import Feed
from fcmae.data.listing import find_images
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.model.classifier import Classifier
from fcmae.optim.options import Optim
from fcmae.options.fields import fields_of
from fcmae.tasks.classify import ClassifyTask
from fcmae.training import TrainingOptions, train
from fcmae.training.init_weights import init_weights
from fcmae.training.parts import Parts
from fcmae.training.result import Done
from fcmae.training.start import Images, Prepared


@dataclass(frozen=True, kw_only=True)
class Sort(TrainingOptions[tuple[int, float]]):
    """Learns classes and validates on nothing."""

    command: ClassVar[str] = "sort"

    weights: str | None = None
    """Whatever there is."""

    smoothed: bool = False
    """Smooths labels."""

    def find(self, reporter: Reporter) -> Images:
        return Images(train=find_images(self.data, labels=True))

    def parts(self, start: Prepared) -> Parts:
        model = Classifier(start.architecture, num_classes=len(start.images.classes))
        feed = Feed(
            start.images.train,
            Supervised((self.size, self.size)),
            seed=self.run.seed,
            loader=start.loader,
            channels=start.channels,
        )
        return Parts(task=ClassifyTask(init_weights(model, self, start)), feed=feed, evaluations=[])

    def result(self, done: Done) -> tuple[int, float]:
        return done.steps, done.metrics["loss"]


def options(data: Path, out: Path, batch_size: int = 4) -> Sort:
    optim = Optim(batch_size=batch_size, epochs=1, warmup_epochs=0.0)
    return Sort(data=data, out=out, size=32, optim=optim, run=Run(device="cpu", devices=1))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Two classes of four images each."""
    for name, colour in {"dune": "tan", "sea": "navy"}.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(4):
            picture = Image.new("RGB", (40 + number, 40), colour)
            picture.save(tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"


def test_a_training_of_ones_own_runs_and_resumes(labelled: Path, tmp_path: Path) -> None:
    mine = options(labelled, tmp_path / "run")
    steps, loss = train(mine)
    assert steps == 2
    assert train(mine) == (steps, loss)
    recorded = json.loads((tmp_path / "run" / "options.json").read_text())
    assert recorded["smoothed"] is False
    assert json.loads((tmp_path / "run" / "environment.json").read_text())[0]["command"] == "sort"


def test_options_are_checked_against_images_before_anything_is_written(
    labelled: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"optim.batch_size is 64, but .* has 8 images"):
        train(options(labelled, tmp_path / "run", batch_size=64))
    assert not (tmp_path / "run").exists()


def test_fields_have_the_help_of_the_base_or_their_own() -> None:
    fields = fields_of(Sort)
    assert fields["weights"].help == "Whatever there is."
    assert fields["smoothed"].help == "Smooths labels."
    assert fields["out"].help.startswith("Folder of the run")
