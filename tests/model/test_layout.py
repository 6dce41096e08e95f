"""The visible layout is the masked dense one, with the hidden positions left out."""

import pytest
import torch
from torch.testing import assert_close

from fcmae.model.layout import Dense, MaskedDense, Visible, z_order

CASES = [((2, 3), 4, 2), ((1, 4), 8, 1), ((3, 3), 1, 5), ((2, 2), 2, 3)]  # grid, side, visible


def layouts(grid, side, k, n=2):
    patches = torch.stack([torch.randperm(grid[0] * grid[1])[:k].sort().values for _ in range(n)])
    visible = Visible(patches, grid, side)
    return visible, MaskedDense.like(visible)


def features(visible, masked, channels=6):
    """The same features in both layouts, with not-a-number at hidden positions of the dense one."""
    x = torch.randn(len(visible.patches), visible.places.shape[1], channels, dtype=torch.float64)
    dense = visible.fill(x, torch.full((channels,), float("nan"), dtype=torch.float64))
    assert dense.shape[1] == masked.hidden.shape[1]
    return x, dense


def test_z_order_visits_each_two_by_two_square_in_turn():
    y, x = z_order(4, torch.device("cpu"))
    places = list(zip(y.tolist(), x.tolist(), strict=True))
    assert places[:5] == [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2)]
    assert sorted(places) == [(i, j) for i in range(4) for j in range(4)]


@pytest.mark.parametrize(("grid", "side", "k"), CASES)
def test_depthwise_matches_the_definition(grid, side, k):
    visible, masked = layouts(grid, side, k)
    x, dense = features(visible, masked)
    weight = torch.randn(6, 1, 7, 7, dtype=torch.float64)
    bias = torch.randn(6, dtype=torch.float64)
    ours = visible.to_map(visible.depthwise(x, weight, bias))
    assert_close(ours, masked.to_map(masked.depthwise(dense, weight, bias)))


@pytest.mark.parametrize(("grid", "side", "k"), [case for case in CASES if case[1] > 1])
def test_merging_matches_the_definition(grid, side, k):
    visible, masked = layouts(grid, side, k)
    x, dense = features(visible, masked)
    (ours, half), (theirs, masked_half) = visible.merge(x), masked.merge(dense)
    assert_close(half.to_map(ours), masked_half.to_map(masked_half.hide(theirs)))
    assert (half.height, half.width) == (visible.height // 2, visible.width // 2)


@pytest.mark.parametrize(("grid", "side", "k"), CASES)
def test_cutting_matches_the_definition_and_reads_no_hidden_pixel(grid, side, k):
    visible, masked = layouts(grid, side, k)
    images = torch.randn(2, 3, visible.height * 2, visible.width * 2, requires_grad=True)
    x = visible.cut(images)
    assert_close(visible.to_map(x), masked.to_map(masked.cut(images)))
    x.sum().backward()
    assert_close(images.grad.sum(), torch.tensor(x.numel(), dtype=torch.float32))
    assert (images.grad == 1).sum() == x.numel()


@pytest.mark.parametrize(("grid", "side", "k"), CASES)
def test_hidden_and_visible_places_partition_the_map(grid, side, k):
    visible, masked = layouts(grid, side, k)
    both = torch.cat([visible.places, visible.hidden_places()], dim=1).sort(dim=1).values
    assert_close(both, torch.arange(both.shape[1]).expand_as(both))
    assert masked.hidden.gather(1, visible.hidden_places()).all()


def test_all_patches_visible_is_the_dense_layout():
    visible = Visible(torch.arange(6).expand(2, 6), (2, 3), 4)
    dense = Dense(8, 12)
    images = torch.randn(2, 3, 16, 24)
    weight, bias = torch.randn(12, 1, 7, 7), torch.randn(12)
    ours = visible.depthwise(visible.cut(images), weight, bias)
    assert_close(
        visible.to_map(ours), dense.to_map(dense.depthwise(dense.cut(images), weight, bias))
    )


def test_gradients_of_the_visible_depthwise_match_finite_differences():
    visible, _ = layouts((2, 2), 2, 2)
    x = torch.randn(2, 8, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, 7, 7, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(visible.depthwise, (x, weight, bias))
