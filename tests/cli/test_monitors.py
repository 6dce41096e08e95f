import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from fcmae.cli.shared.monitors import FeatureDistance, Reconstructions, Viewing
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture
from fcmae.peers import Peers

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
    watched = FeatureDistance(images, VIEWING, every=1)(model, Peers(), tmp_path / "drawn", 1)
    assert [bool(numbers) for numbers in (drawn, watched)] == [usable > 0] * 2
    assert len(drawing.unusable) == 4 - usable
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
