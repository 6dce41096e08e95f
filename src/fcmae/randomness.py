"""Random draws that are a function of (seed, stream, epoch, image) and of nothing else.

Nothing here has a state, so there is nothing to save: a run that is killed and resumed, or
that has another number of loader workers or processes, draws the same numbers.
The hash is SplitMix64 (Steele, Lea and Flood, 2014), whose bits pass BigCrush.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64] | np.uint64  # NumPy makes scalars of arrays without axes

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: Bits) -> Bits:
    with np.errstate(over="ignore"):
        x = x + GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _stream(name: str) -> Bits:
    value: Bits = np.uint64(0)
    for byte in name.encode():
        value = _mix(value ^ np.uint64(byte))
    return value


def bits(seed: int, stream: str, *keys: int | NDArray[np.int64] | NDArray[np.uint64]) -> Bits:
    """64 random bits for each combination of the keys, which broadcast like NumPy arrays.

    Args:
        seed: The seed of the run.
        stream: What the bits are for ("mask", "order", ...); streams are independent.
        keys: Non-negative integers: epoch, index of the image, position, ...
    """
    value = _mix(_stream(stream) ^ np.uint64(seed % 2**64))
    for key in keys:
        value = _mix(value ^ np.asarray(key, dtype=np.uint64))
    return value


def integer(seed: int, stream: str, *keys: int) -> int:
    """One random integer below 2**63, as a seed for a library's own generator."""
    return int(bits(seed, stream, *keys)) >> 1


def permutation(seed: int, stream: str, *keys: int, length: int) -> NDArray[np.int64]:
    """A random order of ``range(length)``."""
    return np.argsort(bits(seed, stream, *keys, np.arange(length)), kind="stable")


@contextmanager
def seeded(seed: int, stream: str, *keys: int) -> Iterator[None]:
    """Give the global CPU generators derived states, then put theirs back.

    For libraries that draw from global state (torchvision's and timm's augmentations).
    """
    with state_kept():
        seed_host(integer(seed, stream, *keys))
        yield


@contextmanager
def state_kept() -> Iterator[None]:
    """Leave Python's, NumPy's and PyTorch's global CPU generators as they were."""
    import torch

    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def seed_host(value: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global CPU generators, and no other device's."""
    import torch

    random.seed(value)
    np.random.seed(value % 2**32)
    torch.default_generator.manual_seed(value)


def seed_everything(seed: int, stream: str, *keys: int) -> None:
    """Give Python's, NumPy's and PyTorch's global generators (every device) derived states."""
    import torch

    value = integer(seed, stream, *keys)
    random.seed(value)
    np.random.seed(value % 2**32)
    torch.manual_seed(value)
