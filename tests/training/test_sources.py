"""Runs on arrays, lists, data sets and streams: equal to those on files, and resumed exactly."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import IterableDataset

import fcmae
from data.items.things import Pairs, noise, png_folder
from fcmae.errors import CheckpointError, DataError, Interrupted
from fcmae.training import train
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)

IMAGES = noise(12, side=40)
LABELS = [0, 1] * 6
HERE = {"workers": 0}
QUICK: dict[str, Any] = {
    "optim": {"batch_size": 4, "epochs": 2, "warmup_epochs": 0},
    "run": {"device": "cpu", "kernels": "reference"},
    "loader": HERE,
}


def pretrained(data: Any, out: Path, **changes: Any) -> Any:
    monitor = {"every": 100, "pictures": 1, "images": 4}
    options = {"size": 64, "decoder": {"width": 32}, "monitor": monitor, **QUICK, **changes}
    return fcmae.pretrain(data=data, out=out, **options)


def weights_of(out: Path) -> bytes:
    """The tensors of a run; the header before them tells dates and options."""
    content = (out / "weights.safetensors").read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on an array that nothing stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    pretrained(IMAGES, out)
    return out


def stops_at(read: int) -> Callable[[int], None]:
    """Asks the run to stop when so many items have been read."""
    count = iter(range(10_000))

    def change(index: int) -> None:
        if next(count) == read:
            os.kill(os.getpid(), signal.SIGTERM)

    return change


def test_a_folder_of_the_same_images_trains_the_same_weights(whole: Path, tmp_path: Path) -> None:
    pretrained(png_folder(IMAGES, tmp_path / "files"), tmp_path / "run")
    assert weights_of(tmp_path / "run") == weights_of(whole)


def test_a_run_on_a_data_set_that_is_stopped_goes_on_to_the_last_bit(
    whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    # Twelve are read for the fingerprint, as many to see their kind, one to check, and four for
    # each step.
    with pytest.raises(Interrupted):
        pretrained(Pairs(IMAGES, LABELS, stops_at(42)), out)
    assert not (out / "weights.safetensors").exists()
    pretrained(Pairs(IMAGES, LABELS), out, loader={"workers": 2})
    assert weights_of(out) == weights_of(whole)


def test_other_images_are_refused_where_a_run_goes_on(whole: Path) -> None:
    other = IMAGES.copy()
    other[3, 0, 0, 0] ^= 1
    with pytest.raises(
        CheckpointError, match="the training images: 12 as before, but other files or labels"
    ):
        pretrained(other, whole)
    with pytest.raises(CheckpointError, match="the training images: 12 before, 11 now"):
        pretrained(IMAGES[:11], whole)


def test_a_run_records_its_images_in_a_few_words(whole: Path) -> None:
    said = json.loads((whole / "options.json").read_text())["data"]
    assert said.startswith("the ndarray 12 x 40 x 50 x 3 of uint8, fingerprint ")
    assert len(said) < 80


def test_unusable_items_are_replaced_and_told(tmp_path: Path) -> None:
    def fails(index: int) -> None:
        if index == 2:
            raise RuntimeError("no such patient")

    told: list[str] = []

    class Listener(fcmae.Console):
        def message(self, text: str) -> None:
            told.append(text)

    options = fcmae.Pretrain(
        data=Pairs(IMAGES, LABELS, fails),
        out=tmp_path / "run",
        size=64,
        optim=fcmae.Optim(batch_size=4, epochs=1, warmup_epochs=0.0),
        loader=fcmae.Loader(workers=0),
        run=fcmae.Run(device="cpu"),
    )
    assert train(options, Listener()).images == 12
    reason = "item 2 cannot be used (reading it raised RuntimeError: no such patient)"
    assert any(text.startswith(reason) for text in told)


class Stream(IterableDataset[Any]):
    def __init__(self, change: Callable[[int], None] = lambda index: None) -> None:
        self.change = change

    def __iter__(self) -> Iterator[Any]:
        for index, image in enumerate(IMAGES):
            self.change(index)
            yield image


def test_a_stream_is_pre_trained_on_and_resumed(tmp_path: Path) -> None:
    pretrained(fcmae.ImageStream(Stream(), length=12), tmp_path / "whole")
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        pretrained(fcmae.ImageStream(Stream(stops_at(48)), length=12), out)
    pretrained(fcmae.ImageStream(Stream(), length=12), out)
    assert weights_of(out) == weights_of(tmp_path / "whole")
    contrasted = fcmae.contrast(
        data=fcmae.ImageStream(Stream(), length=12), out=tmp_path / "contrast", size=32, **QUICK
    )
    assert contrasted.steps == 6


@pytest.mark.parametrize(
    ("call", "data", "words"),
    [
        (fcmae.pretrain, np.zeros((4, 64, 64, 3), np.uint8), "the ndarray 4 x 64 x 64 x 3 of uint8"
         " has 4 images: lower it to at most 4, or raise repeats"),
        (fcmae.pretrain, noise(4, channels=7), "no image can be used (4 images), such as item 3: "
         "the number of its channels is 7, but the model takes 3"),
        (fcmae.pretrain, Stream(), "the stream Stream does not say its length: give one"),
        (fcmae.finetune, IMAGES, "item 0 of the data set has no target, but needs a class"),
        (fcmae.finetune, Stream(), "the Stream has no items by number"),
        (fcmae.finetune.segment, IMAGES, "item 0 of the data set has no label map"),
        (fcmae.finetune.detect, IMAGES, "item 0 of the data set has no objects"),
        (fcmae.finetune.values, IMAGES, "item 0 of the data set has no values"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_told_in_a_line(
    call: Any, data: Any, words: str, tmp_path: Path
) -> None:
    batch: dict[str, Any] = {} if "lower it" in words else {"optim": {"batch_size": 2}}
    if "channels" in words:
        batch["encoder"] = {"channels": 3}
    with pytest.raises(DataError) as error:
        call(data=data, out=tmp_path / "run", **batch)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_misspelt_keyword_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no option dataset\. Did you mean data\?"):
        fcmae.pretrain(dataset=IMAGES, out=tmp_path / "run")
