"""What a process does with its memory while it trains."""

import gc

from fcmae.engine.memory import spared_by_the_collector


def test_what_was_there_before_is_spared_only_inside() -> None:
    frozen = gc.get_freeze_count()
    with spared_by_the_collector():
        assert gc.get_freeze_count() > frozen
    assert gc.get_freeze_count() == 0


def test_what_the_program_has_frozen_itself_stays_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with spared_by_the_collector():
            assert gc.get_freeze_count() == frozen
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()
