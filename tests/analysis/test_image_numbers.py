"""Neighbours, projections, evidence, mistakes and maps, where the answer is known."""

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from fcmae.analysis import projection
from fcmae.analysis.blocks import BlockPlace, blocks_of
from fcmae.analysis.grad_cam import grad_cam
from fcmae.analysis.maps import activation_maps, grid
from fcmae.analysis.mistakes import confident_mistakes
from fcmae.analysis.nearest import nearest
from fcmae.errors import DataError
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(2, 3, 4, 5))


def test_the_nearest_are_those_at_the_smallest_angle() -> None:
    vectors = torch.tensor([[1.0, 0.0], [5.0, 1.0], [0.0, 2.0], [-1.0, 0.0], [1.0, 0.1]])
    rows, cosines = nearest(vectors, torch.tensor([0, 2]), 2)
    assert rows.tolist() == [[4, 1], [1, 4]]
    assert cosines[0, 1] == pytest.approx(5 / 26**0.5)


def test_no_image_is_its_own_neighbour_and_there_are_no_more_than_exist() -> None:
    vectors = torch.ones(3, 2)
    rows, cosines = nearest(vectors, torch.arange(3), 9)
    assert rows.tolist() == [[1, 2], [0, 2], [0, 1]]
    assert_close(cosines, torch.ones(3, 2).double())
    with pytest.raises(DataError, match="at least 2 images, but there are 1"):
        nearest(torch.ones(1, 2), torch.tensor([0]), 1)


def test_pca_finds_the_direction_in_which_points_lie() -> None:
    steps = torch.arange(5.0)
    vectors = torch.stack([3 * steps, 4 * steps, torch.zeros(5)], dim=1) + 7
    points, shares = projection.pca(vectors)
    assert_close(points[:, 0], 5 * (steps - 2).double())
    assert_close(shares, torch.tensor([1.0, 0.0]).double())


def test_projections_need_four_images() -> None:
    with pytest.raises(DataError, match="at least 4 images, but there are 3"):
        projection.pca(torch.randn(3, 2))


def two_heaps() -> Tensor:
    return torch.cat([torch.randn(12, 6), torch.randn(12, 6) + 30])


def heaps_are_apart(points: Tensor) -> bool:
    first, second = points[:12].double(), points[12:].double()
    within = max(torch.cdist(x, x).max() for x in (first, second))
    return bool(torch.cdist(first, second).min() > within / 2)


@pytest.mark.full
def test_tsne_keeps_heaps_apart_and_can_be_repeated() -> None:
    pytest.importorskip("sklearn")
    vectors = two_heaps()
    points = projection.tsne(vectors, seed=3)
    assert heaps_are_apart(points)
    assert_close(projection.tsne(vectors, seed=3), points, rtol=0, atol=0)


@pytest.mark.slow
def test_umap_keeps_heaps_apart_and_can_be_repeated() -> None:
    pytest.importorskip("umap")
    vectors = two_heaps()
    points = projection.umap(vectors, seed=3)
    assert heaps_are_apart(points)
    assert_close(projection.umap(vectors, seed=3), points, rtol=0, atol=0)


def test_a_missing_library_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert projection.missing("umap") == "it needs umap-learn: pip install 'fcmae[umap]'"
    assert projection.missing("sklearn") == "it needs scikit-learn: pip install 'fcmae[analyze]'"


class Toy(nn.Module):
    """Two maps, the red and the green channel, their means, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Identity()])
        self.head = nn.Linear(2, 3, bias=False)
        self.head.weight.data = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]])

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks[0](images[:, :2]).mean(dim=(2, 3)))
        return logits


def test_the_evidence_for_a_class_is_the_map_that_it_listens_to() -> None:
    """The gradient of class k at a position is w_k / 4, so the map is max(0, sum w_kc x_c / 4)."""
    images = torch.zeros(3, 3, 2, 2)
    images[:, 0, 0, 0] = 8.0  # red in the upper left corner
    images[:, 1, 1, 1] = 6.0  # green in the lower right one
    model = Toy().requires_grad_(False)
    maps, scores = grad_cam(model, blocks_of(model)[0], images, torch.tensor([0, 1, 2]))
    expected = torch.tensor([[2.0, 0, 0, 0], [0, 0, 0, 3.0], [0, 0, 0, 0]])
    assert_close(maps, expected)
    assert_close(scores, torch.tensor([[2.0, 3.0, -3.5]] * 3))
    assert_close(grad_cam(model, blocks_of(model)[0], images)[0], expected[[1, 1, 1]])


def test_the_evidence_of_a_classifier_is_the_definition_and_nobody_elses() -> None:
    model, images = Classifier(ARCH, num_classes=3), torch.randn(3, 3, 64, 64)
    nn.init.normal_(model.head.weight)
    maps, scores = grad_cam(model, blocks_of(model)[-1], images)
    alone, _ = grad_cam(model, blocks_of(model)[-1], images[1:2])
    assert_close(maps[1:2], alone)
    assert all(p.grad is None for p in model.parameters())
    assert model.training
    features = model.encoder(images[1:2]).features.detach().requires_grad_()
    logits = model.head(model.norm(features.mean(dim=1)))
    assert_close(logits, scores[1:2])
    logits.max().backward()
    assert features.grad is not None
    weights = features.grad.mean(dim=1, keepdim=True)
    assert_close(maps[1:2], (features * weights).sum(dim=2).clamp(min=0).detach())


def test_mistakes_come_with_the_surest_first() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    found = confident_mistakes(probabilities, torch.tensor([0, 1, 0, 0]))
    assert [(m.row, m.label, m.called) for m in found] == [(2, 0, 1), (3, 0, 1), (1, 1, 0)]
    assert [m.confidence for m in found] == pytest.approx([0.8, 0.7, 0.6])


def test_maps_are_the_expanded_channels_where_they_lie() -> None:
    encoder, image = Encoder(ARCH), torch.randn(1, 3, 64, 96)
    place = blocks_of(encoder)[1]
    maps = activation_maps(encoder, place, image)
    assert maps.shape == (12, 8, 12)
    seen: list[Tensor] = []
    assert place.contract is not None
    place.contract.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        encoder(image)
    assert_close(maps[7, 2, 3], seen[0][0, 2 * 12 + 3, 7])


def test_a_convnext_of_timm_has_maps_too() -> None:
    net = timm.models.convnext.ConvNeXt(depths=(1, 1, 1, 1), dims=(4, 6, 8, 10), num_classes=0)
    maps = activation_maps(net, blocks_of(net)[1], torch.randn(1, 3, 64, 96))
    assert maps.shape == (24, 8, 12)


def test_a_block_that_expands_nothing_shows_its_output() -> None:
    model, image = Toy(), torch.randn(1, 3, 4, 4)
    place = BlockPlace(stage=1, number=1, block=model.blocks[0], contract=None)
    assert_close(activation_maps(model, place, image), image[0, :2])


@pytest.mark.parametrize(("positions", "size", "rows"), [(12, (64, 48), 4), (9, (48, 48), 3)])
def test_the_rows_of_a_map_follow_from_those_of_the_image(
    positions: int, size: tuple[int, int], rows: int
) -> None:
    assert grid(positions, *size) == (rows, positions // rows)


def test_positions_with_a_class_token_are_no_map() -> None:
    with pytest.raises(DataError, match="17 positions are not a map of an image of 64 x 64"):
        grid(17, 64, 64)
