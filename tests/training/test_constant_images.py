"""A run that cannot learn says so, in one line with the reason and the way out."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.source import ImageData
from fcmae.engine.report import Silent
from fcmae.evaluation.alike import image_distance, remarks_on
from fcmae.optim.options import Optim
from fcmae.setup.constant import tell_constant
from fcmae.tasks.low_loss import LowLoss
from fcmae.training.contrastive import Contrast
from fcmae.training.pretraining import Monitor, Pretrain
from fcmae.training.run import prepare, train

DRAW = np.random.default_rng(0)
IMAGENET, OWN = Loader(statistics="imagenet", workers=0), Loader(statistics="data", workers=0)


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)

    def of(self, begin: str) -> list[str]:
        return [text for text in self.texts if text.startswith(begin)]


def scenes(number: int = 8) -> ImageData:
    """Sixteen bits of which few are used, with offsets between channels."""
    means = np.array([400, 900, 1600])
    return ImageData([DRAW.normal(means, 60, (32, 32, 3)).astype(np.uint16) for _ in range(number)])


def told(pictures: list[NDArray[np.generic]], loader: Loader | None = None) -> list[str]:
    reporter, images = Heard(), find_images(ImageData(pictures))
    tell_constant(loader or Loader(), images, channels=pictures[0].shape[2], reporter=reporter)
    return reporter.texts


def test_images_of_one_colour_each_are_told() -> None:
    flat = [np.full((8, 8, 3), value, np.uint8) for value in (10, 200, 60)]
    [text] = told(flat)
    assert text.startswith("Careful: of 3 images that were looked at, each has one colour only")
    flat[1][3, 3] = 0
    assert told(flat) == []


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_values_that_hardly_deviate_once_normalised_are_told(channels: int) -> None:
    pictures = [DRAW.normal(900, 60, (9, 9, channels)).astype(np.uint16) for _ in range(4)]
    [text] = told(pictures)
    assert "With mean 0.485 0.456 0.406 and deviation 0.229 0.224 0.225" in text
    assert 'deviate by 0.004 instead of about 1. Give loader={"statistics": "data"}' in text
    fitting = Loader(mean=(900 / 65535,) * channels, std=(60 / 65535,) * channels)
    assert told(pictures, fitting) == []


def test_a_mean_in_other_units_is_told() -> None:
    photos = [DRAW.integers(0, 255, (9, 9, 3), np.uint8) for _ in range(4)]
    assert told(photos) == []
    [text] = told(photos, Loader(mean=(124.0, 116.0, 104.0), std=(58.0, 57.0, 57.0)))
    assert "With mean 124 116 104 and deviation 58 57 57" in text


@pytest.mark.parametrize("options", [Pretrain, Contrast])
def test_trainings_tell_before_the_first_step(
    options: type[Pretrain | Contrast], tmp_path: Path
) -> None:
    reporter, optim = Heard(), Optim(batch_size=4, epochs=1)
    for loader in (OWN, IMAGENET):
        assert reporter.of("Careful: the images are nearly constant") == []
        begun = options(data=scenes(), out=tmp_path, size=64, optim=optim, loader=loader)
        prepare(begun, reporter)
    assert len(reporter.of("Careful: the images are nearly constant")) == 1


def test_low_losses_of_the_first_steps_are_told_once() -> None:
    judge = LowLoss(loader=Loader())
    said = [judge.note(step, 0.01) for step in range(1, 30)]
    assert [step for step, text in enumerate(said, 1) if text] == [10]
    assert str(said[9]).startswith("The loss is 0.01 after 10 steps, far below 1")
    assert str(said[9]).endswith('Look at `fcmae check`, or give loader={"statistics": "data"}.')
    measured = LowLoss(loader=Loader(mean=(0.1,), std=(0.1,)))
    assert str([measured.note(step, 0.01) for step in range(1, 11)][-1]).endswith("fcmae check`.")


def test_a_constant_that_is_soon_learnt_is_told_and_slow_learning_is_not() -> None:
    soon, slow, broken, late = (LowLoss(loader=Loader()) for _ in range(4))
    assert any(soon.note(step, 0.9**step) for step in range(1, 400))
    assert not any(slow.note(step, 0.992**step) for step in range(1, 400))
    assert not any(broken.note(step, float("nan")) for step in range(1, 400))
    assert not any(late.note(step, 0.01) for step in range(195, 400))


def pretrained(data: ImageData, out: Path, loader: Loader) -> Heard:
    reporter = Heard()
    train(
        Pretrain(
            data=data,
            out=out,
            size=64,
            optim=Optim(batch_size=2, epochs=3),
            monitor=Monitor(every=3, pictures=1, images=8),
            loader=loader,
        ),
        reporter,
    )
    return reporter


@pytest.mark.full
@pytest.mark.parametrize("loader", [OWN, IMAGENET], ids=["own", "imagenet"])
def test_a_run_says_that_it_cannot_learn(loader: Loader, tmp_path: Path) -> None:
    faint = ImageData([DRAW.normal(900, 3, (64, 64)).astype(np.uint16) for _ in range(8)])
    heard = pretrained(faint, tmp_path / "run", loader)
    foreign = loader is IMAGENET
    assert len(heard.of("The loss is 0.")) == foreign
    assert len(heard.of("The features of all images are alike")) == foreign


def test_the_distance_of_images_is_the_mean_over_pairs() -> None:
    rows = torch.randn(7, 5)
    pairs = [
        1 - F.cosine_similarity(rows[i], rows[j], dim=0)
        for i in range(7)
        for j in range(7)
        if i != j
    ]
    assert image_distance(rows) == pytest.approx(torch.stack(pairs).mean().item(), abs=1e-6)
    assert image_distance(rows[:1]) is None


def test_only_features_that_are_alike_are_remarked_on() -> None:
    rows = torch.ones(4, 6) + 0.001 * torch.randn(4, 6)
    assert len(remarks_on(image_distance(rows))) == 1
    assert remarks_on(image_distance(torch.randn(4, 6))) == ()
    assert remarks_on(None) == ()
