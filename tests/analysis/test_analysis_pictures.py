from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from fcmae.analysis import depth_pictures
from fcmae.analysis.depth_pictures import inactive_bars, over_depth, stage_histograms
from fcmae.analysis.heat_map import similarity_map
from fcmae.analysis.pictures import confusion_matrix, in_legend
from fcmae.analysis.scatter import MAX_NAMED, class_scatter, groups
from fcmae.analysis.sheets import SheetCell, map_sheet, sheet, shortened

STAGES = [1, 1, 2, 3, 3, 3, 4]


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of a picture, which is not blank, and no wider than a page."""
    picture = imread(path)[..., :3]
    assert picture.std() > 0
    assert picture.shape[1] < 1300
    return picture.shape[0], picture.shape[1]


def test_nets_of_different_depth_are_drawn_together(tmp_path: Path) -> None:
    lines = {"one": [0.1] * 7, "a net with a rather long name": [0.4] * 12}
    size_of(over_depth(lines, STAGES, tmp_path / "a.png", y="y", y_range=(0.0, 1.0)))
    shares = {name: (values, values) for name, values in lines.items()}
    stages = {name: [1] * len(values) for name, values in lines.items()}
    size_of(inactive_bars(shares, stages, tmp_path / "b.png"))
    nothing = {"one": ([0.0] * 7, [0.0] * 7)}
    size_of(inactive_bars(nothing, {"one": STAGES}, tmp_path / "c.png"))


def test_each_panel_names_the_stages_of_its_own_net(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(depth_pictures, "save", lambda figure, path: drawn.append(figure) or path)
    shares = {"conv": ([0.1] * 7, [0.0] * 7), "vit": ([0.1] * 3, [0.0] * 3)}
    inactive_bars(shares, {"conv": STAGES, "vit": [1, 1, 1]}, tmp_path / "a.png")
    said = [[text.get_text() for text in axes.texts] for axes in drawn[0].axes]
    assert said == [["stage 1", "stage 2", "stage 3", "stage 4"], ["stage 1"]]


def test_a_net_has_one_colour_in_all_panels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(depth_pictures, "save", lambda figure, path: drawn.append(figure) or path)
    values = [np.linspace(0, 1, 9)]
    stage_histograms({"vit": {1: values}, "conv": {1: values, 2: values}}, tmp_path, x="x")
    lines = [line for axes in drawn[0].axes for line in axes.patches]
    colours = {(line.get_label(), line.get_edgecolor()) for line in lines}
    assert [line.get_label() for line in lines] == ["vit", "conv", "conv"]
    assert len(colours) == 2


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    classes = ["_noise_", "cash_$_and_$"]
    points, labels = torch.rand(6, 2), torch.tensor([0, 0, 0, 1, 1, 1])
    size_of(class_scatter(points, labels, classes, tmp_path / "a.png"))
    confusion = torch.tensor([[3, 0], [1, 2]])
    size_of(confusion_matrix(confusion, classes, tmp_path / "b.png"))
    assert depth_pictures.STYLE["text.parse_math"] is False
    assert in_legend("_noise_") == " _noise_"


@pytest.mark.parametrize("stages", [1, 4])
@pytest.mark.parametrize("nets", [1, 2])
def test_histograms_have_a_panel_per_stage(tmp_path: Path, stages: int, nets: int) -> None:
    draw = np.random.default_rng(0)
    by_net = {
        f"net {i}": {s + 1: [draw.random(20), np.empty(0)] for s in range(stages)}
        for i in range(nets)
    }
    size_of(stage_histograms(by_net, tmp_path / "a.png", x="x"))


@pytest.mark.parametrize("shape", [(3, 5), (20, 30)])
def test_similarities_are_drawn_and_gaps_left_open(tmp_path: Path, shape: tuple[int, int]) -> None:
    table = torch.rand(shape).double()
    table[0, 0] = torch.nan
    stages = tuple([1] * 2 + [2] * (length - 2) for length in shape)
    size_of(similarity_map(table, stages, ("a", "b"), tmp_path / "a.png"))


def test_sheets_keep_the_shape_of_pictures(tmp_path: Path) -> None:
    cell = SheetCell(picture=torch.rand(20, 40, 1), caption="a name that is too long", value=0.5)
    marked = SheetCell(
        picture=torch.rand(20, 40, 3), frame="red", heat=torch.rand(2, 4), side="side"
    )
    height, width = size_of(sheet([[marked, cell], [cell]], ["one", "two"], tmp_path / "a.png"))
    assert 1.0 < width / height < 2.5
    maps = torch.randn(3, 2, 4)
    maps[0] = 0
    size_of(map_sheet(torch.rand(20, 40, 3), maps, "abc", tmp_path / "b.png"))
    size_of(map_sheet(torch.rand(4, 4, 3), torch.zeros(1, 1, 1), "a", tmp_path / "c.png"))


def test_long_names_are_cut() -> None:
    assert shortened("HerbaceousVegetation", 8) == "Herbace…"
    assert shortened("Forest", 8) == "Forest"
    assert [shortened("Forest", letters) for letters in (1, 0, -3)] == ["…", "", ""]


def test_the_largest_classes_have_a_look_of_their_own(tmp_path: Path) -> None:
    labels = torch.cat([torch.arange(40), torch.arange(20, 40), torch.tensor([39])])
    found = groups(labels, [f"class {i}" for i in range(41)], len(labels))
    assert len(found) == MAX_NAMED + 1
    assert found[-1][0] == "others"
    assert found[-2][0] == "class 39"
    assert len({(colour, shape) for _, _, colour, shape in found}) == len(found)
    assert sum(len(rows) for _, rows, _, _ in found) == len(labels)
    points = torch.randn(len(labels), 2)
    size_of(class_scatter(points, labels, [str(i) for i in range(41)], tmp_path / "a.png"))
    size_of(class_scatter(points, None, [], tmp_path / "b.png", axes_names=("x", "y")))
