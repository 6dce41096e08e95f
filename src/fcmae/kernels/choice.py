"""Chooses the implementation of the hot operations by name; only ``auto`` may fall back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

from fcmae.errors import FcmaeError
from fcmae.kernels import gpu, native

Implementation = Literal["reference", "native", "triton"]
Kernels = Literal["auto", "reference", "native", "triton"]

FAST: tuple[Implementation, ...] = ("triton", "native")
"""What is asked for by name."""

TRIED: tuple[Implementation, ...] = ("native",)
"""What ``auto`` chooses from: what has run on the machines that it is for."""

COMPUTES = {
    "native": "they compute float32 and bfloat16 on the CPU",
    "triton": "they compute float32, bfloat16 and float16 on CUDA devices",
}

_chosen: Kernels = "auto"  # of the process, as PyTorch's own choices of backends are


def choose(name: Kernels) -> None:
    """Use an implementation from now on.

    Args:
        name: ``reference`` is plain PyTorch, the definition; ``native`` is compiled C++ for the
            CPU; ``triton`` is compiled for the GPU when it is first called; ``auto`` takes native
            kernels where they can compute, else the reference.
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
    """Describes the implementation for a kind of device and the reason for it."""
    if _chosen == "reference":
        return "reference, as asked for"
    if device == gpu.DEVICE:
        reason = gpu.why_not(torch.device(device)) or (
            "" if _chosen == "triton" else "the Triton kernels are new, and must be asked for"
        )
        return f"reference: {reason}" if reason else "triton"
    if device == "cpu":
        reason = native.why_not()
        return f"reference: {reason}" if reason else f"native ({native.library().instructions})"
    return f"reference: there are no kernels of ours for {device}"


def implementation(x: Tensor) -> Implementation:
    """Implementation for a tensor.

    Raises:
        FcmaeError: An implementation was asked for by name and cannot.
    """
    # What is exported runs elsewhere, where there are no operators of ours.
    if _chosen == "reference" or torch.compiler.is_exporting():
        return "reference"
    for name in FAST:
        if _chosen == name or (_chosen == "auto" and name in TRIED):
            reason = _why_not(name, x)
            if not reason:
                return name
            if _chosen == name and x.device.type != "meta":
                raise FcmaeError(
                    f"{name} kernels cannot compute {x.dtype} on {x.device}: {reason}. "
                    "Choose kernels auto."
                )
    return "reference"


def directly(x: Tensor) -> bool:
    """True if the CPU's kernel may be called past its operator, whose dispatch is in Python.

    Only autograd, and whatever else follows operations one by one, needs to know of the operator.
    """
    watched = torch.is_grad_enabled() or is_followed(x)
    return not watched and implementation(x) == "native"


def is_followed(x: Tensor) -> bool:
    """True if a compiler, a tracer or a mode follows each operation on a tensor.

    It would not see what a kernel does past PyTorch, and its tensors may have no memory at all.
    """
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or type(x) is not Tensor
        or torch._C._len_torch_dispatch_stack() > 0
    )


def _why_not(name: Implementation, x: Tensor) -> str:
    """Why an implementation cannot compute on a tensor; empty if it can."""
    if name == "native":
        # Triton's interpreter, where it is asked for, has the place of the CPU's kernels.
        if gpu.INTERPRETED:
            return "TRITON_INTERPRET=1 gives the CPU to Triton's interpreter"
        ours = x.device.type == "cpu" and x.dtype in native.TYPES
        return native.why_not() or ("" if ours else COMPUTES[name])
    if x.device.type != gpu.DEVICE or x.dtype not in gpu.TYPES:
        return COMPUTES[name]
    reason: str = gpu.why_not(x.device)
    return reason
