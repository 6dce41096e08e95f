"""The Triton kernels for GPUs: whether they can run, and where.

With ``TRITON_INTERPRET=1`` in the environment Triton computes on the CPU, slowly: so the kernels
are tested where there is no GPU.
"""

import os
from importlib.util import find_spec

import torch

TYPES = (torch.float32, torch.bfloat16, torch.float16)
"""The types of features that kernels compute."""

CAPABILITY = (8, 0)
"""The oldest GPUs that compute bfloat16."""

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"

DEVICE = "cpu" if INTERPRETED else "cuda"
"""The kind of device that they run on."""


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def why_not(device: torch.device) -> str:
    """Why there are no Triton kernels for a device of that kind; empty if there are."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    if INTERPRETED:
        return ""
    if torch.version.cuda is None:
        return "the Triton kernels are for CUDA, and this PyTorch was built without"
    capability = torch.cuda.get_device_capability(device)
    if capability < CAPABILITY:
        return (
            f"the Triton kernels need compute capability {_dotted(CAPABILITY)}, and this GPU has "
            f"{_dotted(capability)}"
        )
    return ""


def _dotted(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))
