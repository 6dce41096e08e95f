"""Every Triton kernel compiles for real GPUs, which needs none, and keeps its sums in registers."""

import re
import subprocess

import pytest

triton = pytest.importorskip("triton", reason="Triton is not installed")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from fcmae.kernels import gpu  # noqa: E402
from fcmae.kernels.triton import depthwise, gelu_grn, layer_norm  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(gpu.INTERPRETED, reason="the interpreter compiles nothing"),
    pytest.mark.timeout(1200),
]

FEATURES = {"x", "y", "grad", "grad_x"}
COUNTS = {"units", "tiles", "positions", "lanes", "steps", "chunks"}
PATCHES = {"HEIGHT": 56, "WIDTH": 56, "TILE_H": 8, "TILE_W": 8}
KERNELS = {  # sizes that are compiled in, and warps
    depthwise._convolve: (PATCHES | {"CHANNELS": 128, "UNIT_H": 1, "UNIT_W": 8}, 2),
    depthwise._correlate: (PATCHES | {"CHANNELS": 128, "UNIT_H": 1, "UNIT_W": 4}, 2),
    gelu_grn._sum_squares: ({"CHANNELS": 512, "CHUNK": gelu_grn.CHUNK}, 1),
    gelu_grn._sum_products: ({"CHANNELS": 512, "CHUNK": gelu_grn.CHUNK}, 1),
    gelu_grn._factors: ({"CHANNELS": 1408, "BLOCK": 2048}, 8),
    gelu_grn._factors_backward: ({"CHANNELS": 1408, "BLOCK": 2048}, 8),
    gelu_grn._apply: ({"CHANNELS": 512}, 4),
    gelu_grn._apply_backward: ({"CHANNELS": 512}, 4),
    layer_norm._normalise: ({"CHANNELS": 96, "ROWS": 16, "BLOCK": 128}, 4),
    layer_norm._normalise_backward: ({"CHANNELS": 96, "ROWS": 16, "BLOCK": 128}, 4),
}


def type_of(name, kernel, sizes):
    if name in sizes:
        return "constexpr"
    if name in FEATURES:
        return "*bf16"
    if name == "eps":
        return "fp32"
    if name in COUNTS or (name == "rows" and "mean" in kernel.arg_names):
        return "i32"
    return {"patches": "*i64", "rows": "*i32"}.get(name, "*fp32")


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: getattr(k, "base_fn", k).__name__)
def test_a_kernel_compiles_and_keeps_its_sums_in_registers(kernel, capability, tmp_path):
    sizes, warps = KERNELS[kernel]
    if hasattr(kernel, "configs"):
        *_, config = (c for c in kernel.configs if c.num_warps == warps)
        sizes = sizes | config.kwargs
        kernel = kernel.fn
    types = {name: type_of(name, kernel, sizes) for name in kernel.arg_names}
    aligned = {
        (i,): [["tt.divisibility", 16]] for i, t in enumerate(types.values()) if t.startswith("*")
    }
    compiled = triton.compile(
        ASTSource(kernel, types, sizes, aligned),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": warps, "enable_fp_fusion": True},
    )
    binary = tmp_path / "kernel.cubin"
    binary.write_bytes(compiled.asm["cubin"])
    dump = [triton.knobs.nvidia.cuobjdump.path, "-res-usage", str(binary)]
    usage = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    assert re.search(r"STACK:(\d+)", usage)[1] == "0", usage
