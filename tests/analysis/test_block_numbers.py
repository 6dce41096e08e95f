"""The numbers of single blocks, against cases worked out by hand and against their definitions."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from fcmae.analysis.cka import cka, cka_table
from fcmae.analysis.effective_rank import effective_rank
from fcmae.analysis.inactive import DEAD, SATURATED, dead_maps, saturated_maps
from fcmae.analysis.selectivity import activity, class_means, selectivity
from fcmae.errors import DataError

LABELS = torch.tensor([0, 0, 2, 2, 5])


@pytest.mark.parametrize(
    ("means", "index"),
    [
        ([4.0, 4.0, 4.0], 0.0),
        ([3.0, 0.0, 0.0], 1.0),
        ([6.0, 1.0, 3.0], (6 - 2) / (6 + 2)),
        ([1.0, 3.0], (3 - 1) / (3 + 1)),
    ],
    ids=["generic", "one-class", "three-classes", "two-classes"],
)
def test_selectivity_compares_the_largest_class_with_the_mean_of_the_others(
    means: list[float], index: float
) -> None:
    assert selectivity(torch.tensor(means)[:, None]).item() == pytest.approx(index)


def test_a_channel_that_is_never_active_has_no_selectivity() -> None:
    found = selectivity(torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
    assert math.isnan(found[0])
    assert found[1] == 0


def test_class_means_are_of_the_classes_that_have_images() -> None:
    active = torch.tensor([[1.0], [3.0], [10.0], [20.0], [7.0]])
    assert_close(class_means(active, LABELS), torch.tensor([[2.0], [15.0], [7.0]]).double())


def test_activity_is_the_mean_of_the_positive_part() -> None:
    features = torch.tensor([[[1.0, -4.0], [3.0, -4.0], [-8.0, 2.0], [0.0, 0.0]]])
    assert_close(activity(features), torch.tensor([[1.0, 0.5]]))


def test_selectivity_lies_between_0_and_1_and_does_not_depend_on_scale() -> None:
    active = activity(torch.randn(40, 6, 50))
    means = class_means(active, torch.arange(40) % 7)
    found = selectivity(means)
    assert found.min() >= 0
    assert found.max() <= 1
    assert_close(selectivity(9 * means), found)


def constructed() -> Tensor:
    """Maps of 16 positions: dead, dead but for one, saturated, saturated below zero, two lively.

    The lively channels give the block a root mean square of about 1.
    """
    lively = torch.tensor([1.0, -1.0] * 8)
    dead = torch.full((16,), 0.01)
    once = dead.clone()
    once[3] = 1.0
    high, low = torch.full((16,), 2.0), torch.full((16,), -0.5)
    return torch.stack([dead, once, high, low, lively, lively], dim=1)[None]


def test_dead_and_saturated_maps_are_told_from_lively_ones() -> None:
    features = constructed()
    assert dead_maps(features).tolist() == [[True, False, False, False, False, False]]
    assert saturated_maps(features).tolist() == [[False, False, True, True, False, False]]


def test_dead_and_saturated_do_not_depend_on_the_scale_of_a_block_or_on_other_images() -> None:
    features = torch.cat([constructed(), 1000 * constructed()])
    for flags in (dead_maps, saturated_maps):
        both = flags(features)
        assert_close(both[0], both[1])
        assert_close(both[:1], flags(constructed()))


def test_the_limits_are_where_the_definition_says() -> None:
    features = torch.ones(1, 4, 100)
    features[:, :, 0] = 0.99 * DEAD * features.square().mean().sqrt()
    assert dead_maps(features)[0, :2].tolist() == [True, False]
    wave = torch.tensor([1.0, -1.0, 1.0, -1.0])
    features[0, :, 1] = 1 + 0.99 * SATURATED * wave
    features[0, :, 2] = 1 + 1.01 * SATURATED * wave
    assert saturated_maps(features)[0, 1:3].tolist() == [True, False]


def test_a_map_of_one_position_is_never_saturated_and_zeros_are_dead() -> None:
    assert not saturated_maps(torch.rand(2, 1, 5)).any()
    assert dead_maps(torch.zeros(2, 4, 3)).all()
    assert not saturated_maps(torch.zeros(2, 4, 3)).any()


def test_the_effective_rank_counts_directions_of_equal_size() -> None:
    assert effective_rank(torch.eye(7)) == pytest.approx(7)
    assert effective_rank(torch.ones(5, 3)) == pytest.approx(1)
    assert effective_rank(torch.zeros(5, 3)) == 0
    # Shares of 3/4 and 1/4: exp(3/4 log 4/3 + 1/4 log 4).
    expected = math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4))
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(expected)


def test_the_effective_rank_knows_neither_scale_nor_rotation() -> None:
    features, turn = torch.randn(20, 6).double(), torch.linalg.qr(torch.randn(6, 6).double()).Q
    assert effective_rank(5 * features @ turn) == pytest.approx(effective_rank(features))
    assert effective_rank(features) <= 6


def definition(a: Tensor, b: Tensor) -> float:
    """The unbiased estimate of Song et al. (2012), equation 5, entry by entry."""

    def hsic(x: Tensor, y: Tensor) -> float:
        n, ones = len(x), torch.ones(len(x)).double()
        k, m = (z @ z.T * (1 - torch.eye(n)) for z in (x.double(), y.double()))
        first = torch.trace(k @ m)
        second = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
        third = 2 / (n - 2) * (ones @ k @ m @ ones)
        return float((first + second - third) / (n * (n - 3)))

    return hsic(a, b) / math.sqrt(hsic(a, a) * hsic(b, b))


def test_cka_is_the_unbiased_estimate() -> None:
    a, b = torch.randn(9, 4), torch.randn(9, 6)
    assert cka(a, b) == pytest.approx(definition(a, b))
    assert cka(b, a) == pytest.approx(cka(a, b))


def test_cka_of_a_case_worked_out_by_hand() -> None:
    """Four images on a line at 0, 0, 1, 1, and at 0, 1, 0, 1: two cuts that share nothing.

    Centred, the inner products off the diagonal are +-1/4. Within a cut, HSIC is
    (12/16 + (-1)(-1)/6 - 2 * 4/16 / 2) / 4 = (3/4 + 1/6 - 1/4) / 4 = 1/6; across the cuts the
    products of entries sum to -1/4 instead of 3/4, so it is (-1/4 + 1/6 - 1/4) / 4 = -1/12.
    """
    a, b = torch.tensor([[0.0], [0.0], [1.0], [1.0]]), torch.tensor([[0.0], [1.0], [0.0], [1.0]])
    assert cka(a, a) == pytest.approx(1)
    assert cka(a, b) == pytest.approx(-0.5)


def test_cka_of_a_net_with_itself_is_1_after_rotation_scale_and_shift() -> None:
    a = torch.randn(12, 5)
    turn = torch.linalg.qr(torch.randn(5, 5)).Q
    assert cka(a, a) == pytest.approx(1)
    assert cka(a, 0.01 * a @ turn + 3) == pytest.approx(1, abs=1e-5)
    assert cka(a, a * torch.tensor([9.0, 1, 1, 1, 1])) < 0.99


def test_cka_of_unrelated_layers_is_about_0_even_where_they_are_wide() -> None:
    a, b = torch.randn(40, 400), torch.randn(40, 400)
    assert abs(cka(a, b)) < 0.2


def test_a_table_of_cka_has_a_row_per_layer_of_the_first() -> None:
    a, b, c = (torch.randn(8, width) for width in (3, 4, 5))
    table = cka_table([a, b], [c, a, b])
    assert table.shape == (2, 3)
    assert table[0, 1] == pytest.approx(1)
    assert table[1, 0] == pytest.approx(cka(b, c))


def test_cka_has_no_answer_for_a_constant_layer_and_too_few_images() -> None:
    assert math.isnan(cka(torch.ones(6, 2), torch.randn(6, 2)))
    with pytest.raises(DataError, match="at least 4 images, but there are 3"):
        cka(torch.randn(3, 2), torch.randn(3, 2))


def test_features_that_are_not_finite_have_no_rank() -> None:
    with pytest.raises(DataError, match="the effective rank needs finite features"):
        effective_rank(torch.tensor([[1.0, torch.nan], [0.0, 1.0]]))
