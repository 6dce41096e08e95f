import json
from pathlib import Path
from types import SimpleNamespace

from fcmae.cli.monitors import FeatureDistance, Viewing
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture
from fcmae.peers import Peers


def test_the_curves_of_earlier_epochs_stay_in_the_picture(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    """A resumed run comes by an epoch again, and drops what came after it."""
    model = Autoencoder(Architecture(depths=(1, 1, 1, 1), dims=(2, 2, 2, 2)))
    viewing = Viewing(size=(32, 32), loader=Loader(workers=0), channels=3, batch_size=4)
    watch = FeatureDistance(find_images(places.flat), viewing, every=1)
    for epoch in (1, 2, 3, 2):
        watch(model, Peers(), tmp_path, epoch)
    found = json.loads((tmp_path / "feature_distance.json").read_text())
    assert list(found) == ["1", "2"]
    assert all(len(distances) == 4 for distances in found.values())
    assert (tmp_path / "feature_distance.png").is_file()
