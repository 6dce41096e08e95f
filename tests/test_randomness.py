"""Draws are functions of their keys, spread evenly, and leave the global generators alone."""

import random

import numpy as np
import torch

from fcmae.randomness import bits, integer, permutation, seeded

KNOWN = (4800589651105821024, [6, 0, 7, 1, 4, 3, 2, 5])


def test_known_values_never_change():
    """A changed hash would silently change every run that is resumed with a newer version."""
    assert integer(0, "mask", 1, 2, 3) == KNOWN[0]
    assert permutation(7, "order", 0, length=8).tolist() == KNOWN[1]


def test_a_draw_does_not_depend_on_its_neighbours():
    many = bits(0, "mask", 5, np.arange(100)[:, None], np.arange(9))
    assert (bits(0, "mask", 5, np.arange(40, 41)[:, None], np.arange(9)) == many[40:41]).all()


def test_seed_stream_and_every_key_matter():
    draws = {
        integer(*keys)
        for keys in [(0, "a", 0, 0), (1, "a", 0, 0), (0, "b", 0, 0), (0, "a", 1, 0), (0, "a", 0, 1)]
    }
    assert len(draws) == 5


def test_bits_are_fair():
    draws = np.unpackbits(bits(0, "fair", np.arange(20_000)).view(np.uint8).reshape(-1, 8), axis=1)
    assert np.abs(draws.mean(axis=0) - 0.5).max() < 0.02  # more than five standard deviations


def test_a_permutation_has_each_number_once():
    assert sorted(permutation(0, "order", 3, length=1000).tolist()) == list(range(1000))


def test_seeding_for_a_while_leaves_no_trace():
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), torch.rand(()).item()

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = [draw(), draw()]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first = draw()
    with seeded(0, "augment", 4):
        inside = draw()
    with seeded(0, "augment", 4):
        assert draw() == inside
    assert [first, draw()] == expected
