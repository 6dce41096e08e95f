from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fcmae.data.batch import Batch
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.masking import Mask
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.peers import Peers
from fcmae.task import Evaluation
from fcmae.tasks.monitors import (
    ClassificationAccuracy,
    FeatureDistance,
    NeighbourAccuracy,
    ReconstructionGrid,
)

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(8, 8, 8, 16))
CLASSES = ["dark", "bright"]
NORMALISATION = Normalisation.of(Loader(), 3)


def source(peers: Peers) -> Iterable[Batch]:
    """Twelve images of two classes that any encoder tells apart."""
    images = torch.randn(12, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    images[6:, :, ::2] += 30
    for index in torch.arange(12)[peers.rank :: peers.size].split(5):
        yield Batch(
            images=images[index],
            labels=index // 6,
            indices=index,
            repeats=torch.zeros_like(index),
        )


MONITORS = [
    (
        ReconstructionGrid(source, NORMALISATION, seed=0),
        Autoencoder(ARCH, mask=Mask(ratio=0.5)),
        "reconstruction-0007.png",
    ),
    (FeatureDistance(source), Autoencoder(ARCH), "feature-distance-0007.png"),
    (FeatureDistance(source), Classifier(ARCH, num_classes=2), "feature-distance-0007.png"),
    (ClassificationAccuracy(source, CLASSES), Classifier(ARCH, num_classes=2), "confusion.png"),
]


@pytest.mark.parametrize(("monitor", "model", "file"), MONITORS)
def test_only_the_leading_process_draws_and_all_get_the_numbers(
    monitor: Evaluation, model: torch.nn.Module, file: str, tmp_path: Path
) -> None:
    numbers = monitor(model, Peers(), tmp_path / "leader", epoch=7)
    assert [path.name for path in (tmp_path / "leader").iterdir()] == [file]
    all_images = source
    monitor.source = lambda peers: all_images(replace(peers, rank=0, size=1))
    follower = monitor(model, Peers(rank=1, size=2), tmp_path / "follower", epoch=7)
    assert follower == numbers
    assert not (tmp_path / "follower").exists()


def test_the_same_images_are_drawn_under_the_same_masks(tmp_path: Path) -> None:
    model, monitor = MONITORS[0][1], ReconstructionGrid(source, NORMALISATION, seed=3, num_images=2)
    monitor(model, Peers(), tmp_path, 1)
    monitor(model, Peers(), tmp_path, 2)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_there_is_a_distance_for_each_block(tmp_path: Path) -> None:
    numbers = FeatureDistance(source)(Autoencoder(ARCH), Peers(), tmp_path, 1)
    assert list(numbers) == ["block_01", "block_02", "block_03", "block_04"]
    assert all(0 <= distance <= 0.5 + 1e-6 for distance in numbers.values())


@pytest.mark.parametrize("test", [None, source], ids=["each by the others", "by training images"])
def test_classes_that_look_different_have_neighbours_of_their_own(
    test: object, tmp_path: Path
) -> None:
    monitor = NeighbourAccuracy(source, CLASSES, test=test, k=3)
    assert monitor(Autoencoder(ARCH), Peers(), tmp_path, 1) == {"top1": 1.0}


def test_top5_is_left_out_for_few_classes(tmp_path: Path) -> None:
    for names, keys in [(CLASSES, ["top1"]), (list("abcdef"), ["top1", "top5"])]:
        model = Classifier(ARCH, num_classes=len(names))
        numbers = ClassificationAccuracy(source, names)(model, Peers(), tmp_path, 1)
        assert list(numbers) == keys
