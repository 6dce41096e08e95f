"""What a process does with its memory while it trains."""

import gc
from collections.abc import Iterator

import pytest

from fcmae.engine.memory import spared_by_the_collector


@pytest.fixture(autouse=True)
def _nothing_is_frozen() -> Iterator[None]:
    """Undoes for a while what conftest.py does for all tests."""
    gc.unfreeze()
    yield
    gc.freeze()


def test_what_was_there_before_is_spared_only_inside() -> None:
    kept = [[]]
    with spared_by_the_collector():
        assert not collector_sees(kept)
    assert collector_sees(kept)


def test_what_the_program_has_frozen_itself_stays_frozen() -> None:
    kept = [[]]
    gc.freeze()
    try:
        with spared_by_the_collector():
            assert not collector_sees(kept)
        assert not collector_sees(kept)
    finally:
        gc.unfreeze()


def collector_sees(sought: object) -> bool:
    """Whether a collection would look at ``sought``: what is frozen is in no generation.

    How many objects are frozen says less: other threads free some of them at any time.
    """
    return any(known is sought for known in gc.get_objects())
