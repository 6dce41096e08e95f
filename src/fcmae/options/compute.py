"""Options of the device and precision of inference."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Compute:
    """Devices and precision."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Kind of device; auto takes a GPU where there is one."""

    devices: int = 1
    """Devices of this machine to use, each with a share of the images. Under torchrun and SLURM
    there are as many as they start processes."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the matrix products; auto takes bfloat16 on devices that compute it natively."""

    kernels: Literal["auto", "reference", "native", "triton"] = "auto"
    """What computes convolutions, norms and GRN: reference is plain PyTorch, native is compiled for
    the CPU, triton for GPUs; auto takes native where it can, else the reference."""

    batch_size: int = 64
    """Images per device at a time; the result does not depend on it."""

    def __post_init__(self) -> None:
        for name in ("devices", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"run.{name} is {getattr(self, name)}, but must be at least 1.")
