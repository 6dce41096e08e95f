"""Counting unusable files, each once, up to a limit."""

import pytest

from fcmae.data.options import Loader
from fcmae.data.unusable import Unusable
from fcmae.errors import DataError


@pytest.mark.parametrize(
    ("num_images", "share", "limit"),
    [(1, 0.01, 0), (3, 0.01, 1), (50, 0.01, 25), (1_000, 0.01, 100), (10**6, 0.01, 10_000)],
)
def test_a_share_is_allowed_a_hundred_always_and_never_over_half(
    num_images: int, share: float, limit: int
) -> None:
    assert Unusable(num_images, Loader(max_unusable=share)).limit == limit
    assert Unusable(num_images, Loader(max_unusable=1.0)).limit == num_images // 2


def test_each_file_counts_once() -> None:
    unusable = Unusable(4, Loader())
    assert unusable.add([("a", "empty"), ("b", "empty")]) == [("a", "empty"), ("b", "empty")]
    assert unusable.add([("a", "empty")]) == []
    assert unusable.files == {"a": "empty", "b": "empty"}


def test_above_the_limit_three_files_are_named() -> None:
    unusable = Unusable(8, Loader())
    with pytest.raises(
        DataError, match=r"5 files .* more than the 4 allowed \(0: bad; 1: bad; 2: bad\)"
    ):
        unusable.add([(str(number), "bad") for number in range(5)])
