"""Launch settings and block sizes of the Triton kernels."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import triton
from torch import Tensor

from fcmae.kernels.gpu import INTERPRETED


def tuned(
    names: Sequence[str], sizes: Sequence[Sequence[int]], *, key: Sequence[str]
) -> Callable[[Any], Any]:
    """Let a kernel pick its block sizes: each is timed once, at the first call of a kind.

    The choice never changes a bit of a result: a kernel that is tuned sums over positions in one
    order whatever its blocks are. Otherwise a resumed run, which may choose anew, would drift.

    Args:
        names: The kernel's arguments for the sides of its blocks.
        sizes: What to choose from: the sides, and the number of warps.
        key: Arguments that make a call one of another kind; their types always do.
    """
    if INTERPRETED:
        # Few programs, since each step of one takes its time.
        sizes = [[128 if name == "BLOCK" else 32 for name in names] + [1]]
    configs = [
        triton.Config(dict(zip(names, sides, strict=True)), num_warps=warps)
        for *sides, warps in sizes
    ]
    decorate: Callable[[Any], Any] = triton.autotune(
        configs=configs, key=list(key), cache_results=True
    )
    return decorate


def launch(kernel: Any, grid: Any, x: Tensor, *arguments: Any, **sizes: Any) -> None:
    """Run a kernel on the GPU of its first argument, which need not be the current one."""
    with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
        # Triton's own answer to the last one changes with its version.
        kernel[grid](x, *arguments, **sizes, enable_fp_fusion=True)
