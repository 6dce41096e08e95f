"""A dozen small pictures and the weights of two small runs, shared by the tests of the commands."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from fcmae.checkpoint.weights import save_weights
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier

CLASSES = ("dune", "forest")


def picture(seed: int, kind: int) -> Image.Image:
    """Smooth colours with some texture: nearer to a photograph than noise is."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 255, (4, 5, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((80, 72), Image.Resampling.BICUBIC), dtype=np.float64)
    tint = np.array([[60, 30, -40], [-40, 30, -20]])[kind]
    noisy = smooth * 0.6 + 50 + tint + draw.normal(0, 8, smooth.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Folders of images, and weights files; the tests write elsewhere."""
    root = tmp_path_factory.mktemp("places")
    number = 0
    for part, count in (("train", 4), ("val", 2)):
        for kind, name in enumerate(CLASSES):
            folder = root / "labelled" / part / name
            folder.mkdir(parents=True)
            for _ in range(count):
                picture(number, kind).save(folder / f"{number}.png")
                number += 1
    torch.manual_seed(0)
    shape = {"size": [64, 64], "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}
    save_weights(root / "pretrained.safetensors", Autoencoder(), shape)
    classes = {**shape, "classes": list(CLASSES)}
    save_weights(root / "classifier.safetensors", Classifier(num_classes=2), classes)
    three = {**shape, "classes": ["dune", "sea", "snow"]}
    save_weights(root / "other-classes.safetensors", Classifier(num_classes=3), three)
    (root / "empty").mkdir()
    (root / "notes.txt.d").mkdir()
    (root / "file").write_text("in the way")
    (root / "pickled.pth").write_bytes(b"\x80\x02")
    (root / "broken.safetensors").write_bytes(b"not weights")
    (root / "flat").symlink_to(root / "labelled" / "train" / "dune")
    return SimpleNamespace(
        root=root,
        classes=CLASSES,
        labelled=root / "labelled",
        flat=root / "flat",
        pretrained=root / "pretrained.safetensors",
        classifier=root / "classifier.safetensors",
    )
