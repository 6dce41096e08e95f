from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.image import imread

from fcmae.analysis.pictures import confusion_matrix, curves, distance_curves
from fcmae.analysis.reconstructions import as_shown, reconstruction_grid
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture


def is_drawn(path: Path) -> bool:
    """Neither blank nor dark as a whole."""
    picture = imread(path)[..., :3]
    return bool(picture.std() > 0 and 0.2 < picture.mean() < 0.999)


@pytest.mark.parametrize("num_classes", [2, 12, 60])
def test_a_confusion_matrix_is_drawn_for_any_number_of_classes(
    tmp_path: Path, num_classes: int
) -> None:
    confusion = torch.eye(num_classes, dtype=torch.int64)
    confusion[0] = 0  # a class without images
    path = tmp_path / "new folder" / "confusion.png"
    assert confusion_matrix(confusion, [f"class {i}" for i in range(num_classes)], path) == path
    assert is_drawn(path)


def test_the_diagonal_of_a_good_classifier_is_dark(tmp_path: Path) -> None:
    path = confusion_matrix(torch.eye(60, dtype=torch.int64), ["x"] * 60, tmp_path / "a.png")
    picture = imread(path)[..., 0]
    dark = (picture < 0.2).nonzero()
    assert (dark[0] - dark[1]).std() < 60 < dark[0].std()


def test_curves_are_drawn_and_no_setting_of_matplotlib_changes(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    lines = {"pre-trained": ([0, 1, 2], [0.1, 0.5, 0.6]), "from scratch": ([0, 1], [0.1, 0.2])}
    assert is_drawn(curves(lines, tmp_path / "curves.png", x="epoch", y="top-1", title="Accuracy"))
    assert is_drawn(distance_curves({20: [0.4, 0.5, 0.4]}, tmp_path / "distance.png"))
    assert dict(mpl.rcParams) == before


def test_a_long_run_draws_all_its_epochs_and_names_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    legends = []
    monkeypatch.setattr(
        Axes, "legend", lambda axes, **_: legends.append(axes.get_legend_handles_labels()[1])
    )
    by_epoch = {20 * i: [0.5, 0.5 - 0.01 * i] for i in range(1, 41)}
    assert is_drawn(distance_curves(by_epoch, tmp_path / "distance.png"))
    (names,) = legends
    assert len(names) <= 6
    assert names[-1] == "epoch 800"


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    files = [
        curves({"a": ([0, 1], [1.0, 0.0])}, tmp_path / name, x="x", y="y")
        for name in ("a.png", "b.png")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_reconstructions_are_drawn_for_any_number_of_channels(
    tmp_path: Path, channels: int
) -> None:
    arch = Architecture(depths=(1, 1, 1, 1), dims=(2, 2, 2, 2), channels=channels)
    images, visible = torch.randn(2, channels, 64, 96), torch.tensor([[0, 3], [1, 5]])
    normalisation = Normalisation.of(Loader(), channels)
    path = tmp_path / "grid.png"
    reconstruction_grid(images, Autoencoder(arch).pictures(images, visible), normalisation, path)
    assert is_drawn(path)


def test_what_is_shown_is_in_the_colours_of_the_file() -> None:
    normalisation = Normalisation.of(Loader(), 3)
    plain = torch.rand(2, 3, 4, 5)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (normalisation.mean, normalisation.std))
    shown = as_shown((plain - mean) / std, normalisation)
    torch.testing.assert_close(shown, plain.permute(0, 2, 3, 1))
    assert as_shown(torch.randn(1, 2, 4, 5), Normalisation.of(Loader(), 2)).shape == (1, 4, 5, 1)
