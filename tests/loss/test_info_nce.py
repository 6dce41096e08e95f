"""InfoNCE against plain loops, and what its numbers mean."""

import math

import numpy as np
import pytest
import torch

from fcmae.loss.contrast import match, spread, unit


def rows(count: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, 6, generator=draw, dtype=dtype)


def test_the_loss_is_that_of_plain_loops() -> None:
    queries, keys, first, temperature = rows(3, 0), rows(7, 1), 2, 0.2
    total, right = 0.0, 0
    for number, query in enumerate(queries.numpy()):
        cosines = [
            float(query @ key / np.linalg.norm(query) / np.linalg.norm(key)) for key in keys.numpy()
        ]
        scores = [math.exp(cosine / temperature) for cosine in cosines]
        total -= math.log(scores[first + number] / sum(scores))
        right += int(np.argmax(cosines) == first + number)
    found = match(unit(queries), unit(keys), first=first, temperature=temperature)
    assert float(found.loss) == pytest.approx(total / 3, rel=1e-12)
    assert float(found.accuracy) == pytest.approx(right / 3)


def test_gradients_are_those_of_differences() -> None:
    keys = unit(rows(5, 1))

    def loss(queries: torch.Tensor) -> torch.Tensor:
        return match(unit(queries), keys, first=1, temperature=0.3).loss

    assert torch.autograd.gradcheck(loss, rows(4, 0).requires_grad_())


def test_a_query_equal_to_its_key_is_found_and_equal_keys_are_a_guess() -> None:
    keys = torch.eye(6)
    found = match(keys[2:4], keys, first=2, temperature=0.01)
    assert (float(found.accuracy), float(found.loss)) == (1.0, pytest.approx(0.0, abs=1e-6))
    guess = match(keys[:4], keys[:1].expand(16, -1), first=0, temperature=0.2)
    assert float(guess.loss) == pytest.approx(math.log(16))


def test_the_loss_is_computed_in_float32_also_under_autocast() -> None:
    queries, keys = unit(rows(4, 0, torch.float32)), unit(rows(8, 1, torch.float32))
    expected = match(queries, keys, first=0, temperature=0.1).loss
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(match(queries, keys, first=0, temperature=0.1).loss, expected)
    assert unit(rows(2, 0, torch.float32).bfloat16()).dtype == torch.float32


def test_spread_is_one_for_all_directions_and_zero_after_a_collapse() -> None:
    draw = torch.Generator().manual_seed(0)
    assert float(spread(unit(torch.randn(4096, 64, generator=draw)))) == pytest.approx(1, abs=0.01)
    assert float(spread(unit(rows(1, 0)).expand(50, -1))) == pytest.approx(0, abs=1e-6)
