"""Which implementation of the hot operations runs: chosen by name; only ``auto`` may fall back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

from fcmae.errors import FcmaeError
from fcmae.kernels import native

Kernels = Literal["auto", "reference", "native"]

_chosen: Kernels = "auto"  # of the process, as PyTorch's own choices of backends are


def choose(name: Kernels) -> None:
    """Use an implementation from now on.

    Args:
        name: ``reference`` is plain PyTorch, the definition; ``native`` is compiled C++ for the
            CPU; ``auto`` takes native kernels where they can compute, else the reference.
    """
    global _chosen  # noqa: PLW0603
    _chosen = name


@contextmanager
def using(name: Kernels) -> Iterator[None]:
    """Use an implementation inside a ``with`` block."""
    before = _chosen
    choose(name)
    try:
        yield
    finally:
        choose(before)


def describe(device: str) -> str:
    """What runs on a kind of device and why, in a few words."""
    if _chosen == "reference":
        return "reference, as asked for"
    if device != "cpu":
        return "reference: the compiled kernels are for the CPU"
    if reason := native.why_not():
        return f"reference: {reason}"
    return f"native ({native.library().instructions})"


def runs_native(x: Tensor) -> bool:
    """Whether native kernels compute on a tensor.

    Raises:
        FcmaeError: They were asked for by name and cannot.
    """
    # What is exported runs elsewhere, where there are no operators of ours.
    if _chosen == "reference" or torch.compiler.is_exporting():
        return False
    if x.device.type == "cpu" and x.dtype in native.TYPES and not native.why_not():
        return True
    if _chosen == "native" and x.device.type != "meta":
        reason = native.why_not() or "they compute float32 and bfloat16 on the CPU"
        raise FcmaeError(
            f"native kernels cannot compute {x.dtype} on {x.device}: {reason}. Choose kernels auto."
        )
    return False
