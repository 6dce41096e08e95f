"""Let a process on the CPU keep the memory it frees.

A training step allocates and frees the same large tensors again and again. glibc gives such blocks
back to the system and asks for them anew, and every page is cleared and mapped again on its
first touch: on two cores that was a fifth of a step. Other C libraries are left as they are.

Python's collector goes through all that was ever imported whenever autograd has made enough
objects; of a small model's step that was a twentieth.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# From malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST_KEPT = 2**30
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Asks the C library to keep freed memory; True if it does."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # not glibc
        return False
    settings = [
        (M_MMAP_THRESHOLD, LARGEST_KEPT),
        (M_TRIM_THRESHOLD, NEVER),
        (M_TOP_PAD, 64 * 2**20),
    ]
    return all([mallopt(key, value) == 1 for key, value in settings])  # noqa: C419 - do each


@contextmanager
def spared_by_the_collector() -> Iterator[None]:
    """Python's collector leaves alone, while inside, what was there before.

    Where the program has frozen something itself, that is left as it is: it cannot be told apart.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
