import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fcmae.data.batch import Batch
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.errors import DataError
from fcmae.evaluation.viewing import Viewing
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture
from fcmae.process_group import Peers
from fcmae.tasks.evaluations.feature_distance import FeatureDistance
from fcmae.tasks.evaluations.neighbours import Neighbours
from fcmae.tasks.evaluations.reconstructions import Reconstructions

ATTO = Architecture(depths=(1, 1, 1, 1), dims=(2, 2, 2, 2))
VIEWING = Viewing(size=(64, 64), loader=Loader(workers=0), channels=3, batch_size=2)


@pytest.mark.parametrize("usable", [2, 0])
def test_samples_that_cannot_be_read_do_not_end_a_run(
    usable: int, places: SimpleNamespace, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(places.flat.iterdir())):
        content = path.read_bytes()
        damaged = number < 4 - usable
        (tmp_path / path.name).write_bytes(content[:1000] if damaged else content)
    images, model = find_images(tmp_path), Autoencoder(ATTO)
    drawing = Reconstructions(images, VIEWING, every=1, seed=0)
    drawn = drawing(model, Peers(), tmp_path / "drawn", 1)
    watching = FeatureDistance(images, VIEWING, every=1)
    watched = watching(model, Peers(), tmp_path / "drawn", 1)
    assert [bool(numbers) for numbers in (drawn, watched)] == [usable > 0] * 2
    assert [len(each.unusable) for each in (drawing, watching)] == [4 - usable] * 2
    assert (tmp_path / "drawn").exists() == (usable > 0)


def test_the_curves_of_earlier_epochs_stay_in_the_picture(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    """A resumed run comes by an epoch again, and drops what came after it."""
    model = Autoencoder(ATTO)
    watch = FeatureDistance(find_images(places.flat), VIEWING, every=1)
    for epoch in (1, 2, 3, 2):
        watch(model, Peers(), tmp_path, epoch)
    found = json.loads((tmp_path / "feature_distance.json").read_text())
    assert list(found) == ["1", "2"]
    assert all(len(distances) == 4 for distances in found.values())
    assert (tmp_path / "feature_distance.png").is_file()


def test_neighbours_name_the_images_they_are_measured_without(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    shutil.copytree(places.labelled, tmp_path / "in")
    damaged = [sorted((tmp_path / "in" / part).rglob("*.png"))[0] for part in ("train", "val")]
    for path in damaged:
        path.write_bytes(b"")
    train, test = (find_images(tmp_path / "in" / part, labels=True) for part in ("train", "val"))
    watch = Neighbours(train, test, VIEWING, every=1)
    assert 0 <= watch(Autoencoder(ATTO), Peers(), tmp_path / "drawn", 1)["top1"] <= 1
    assert [Path(path).name for path, _ in watch.unusable] == [path.name for path in damaged]


def test_other_errors_than_missing_images_are_not_passed_over(
    places: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Iterator[Batch]:
        raise DataError("of another kind")
        yield

    monkeypatch.setattr(Viewing, "batches", fail)
    watch = FeatureDistance(find_images(places.flat), VIEWING, every=1)
    with pytest.raises(DataError, match="of another kind"):
        watch(Autoencoder(ATTO), Peers(), tmp_path, 1)
