"""The Triton kernels against the definition.

Where there is a GPU these tests run on it. Everywhere they run under Triton's interpreter, which
takes a process of its own: the last test starts it.
"""

import os
import subprocess
import sys

import pytest
import torch
from against_definition import (
    EPS,
    TOLERANCE,
    assert_near,
    depthwise_leaves,
    gradients,
    masked,
)
from against_definition import gelu_grn as definition_of_gelu_grn
from against_definition import layer_norm as definition_of_layer_norm
from torch.testing import assert_close

from fcmae.errors import FcmaeError
from fcmae.kernels import choice, gpu, reference
from fcmae.kernels.depthwise import depthwise
from fcmae.kernels.gelu_grn import gelu_grn
from fcmae.kernels.layer_norm import layer_norm
from fcmae.kernels.tiles import MapTiles
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture, DecoderOptions

pytest.importorskip("triton", reason="Triton is not installed")

RUNS = gpu.INTERPRETED or (torch.cuda.is_available() and not gpu.why_not(torch.device("cuda")))
computes = pytest.mark.skipif(
    not RUNS, reason="no GPU for Triton; its interpreter has a process of its own"
)
slow = pytest.mark.slow
half = (torch.bfloat16, torch.float16)

MASKED = [  # images, channels, grid of patches, visible patches, side of a patch
    (1, 8, (1, 2), 1, 1),
    (1, 40, (2, 2), 1, 8),
    (3, 13, (2, 3), 5, 4),
    (5, 80, (3, 2), 3, 2),
    (1, 352, (3, 3), 4, 1),
    pytest.param((17, 13, (2, 3), 2, 8), marks=slow),
    pytest.param((3, 40, (3, 5), 14, 4), marks=slow),
    pytest.param((5, 80, (7, 4), 9, 2), marks=slow),
]
WHOLE = [
    (1, 3, 1, 1),
    (1, 40, 7, 7),
    (3, 17, 5, 9),
    pytest.param((2, 24, 3, 14), marks=slow),
    pytest.param((1, 96, 56, 56), marks=slow),
]


@pytest.fixture
def device(monkeypatch):
    """Where Triton computes, with NaN in fresh memory: what a kernel forgets to write shows."""
    if gpu.INTERPRETED:  # lanes of the length that fills a GPU would take it minutes
        monkeypatch.setattr("fcmae.kernels.triton.depthwise.UNITS_PER_LANE", 3)
    torch.use_deterministic_algorithms(True)
    with choice.using("triton"):
        yield torch.device(gpu.DEVICE)
    torch.use_deterministic_algorithms(False)


def moved(tiles, device):
    fields = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in vars(tiles).items()
    }
    return MapTiles(**fields)


def check_depthwise(tiles, leaves, device):
    tiles = moved(tiles, device)
    assert_near(
        lambda *a: depthwise(*a, tiles),
        lambda *a: reference.depthwise(*a, tiles),
        [leaf.to(device) for leaf in leaves],
    )


@computes
@pytest.mark.parametrize("shape", MASKED, ids=str)
def test_depthwise_on_visible_patches_equals_the_definition(shape, device):
    n, channels, grid, visible, side = shape
    leaves = depthwise_leaves(n, visible * side * side, channels, torch.float32)
    check_depthwise(masked(n, grid, visible, side).tiles, leaves, device)


@computes
@pytest.mark.parametrize("shape", WHOLE, ids=str)
def test_depthwise_on_a_whole_map_equals_the_definition(shape, device):
    n, channels, height, width = shape
    leaves = depthwise_leaves(n, height * width, channels, torch.float32)
    check_depthwise(MapTiles.whole(height, width), leaves, device)


@computes
@pytest.mark.parametrize("dtype", half, ids=str)
def test_depthwise_in_half_precision_sums_in_float32(dtype, device):
    leaves = depthwise_leaves(3, 8, 13, dtype)
    check_depthwise(masked(3, (2, 3), 2, 2).tiles, leaves, device)


@computes
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 1, 4), torch.float32),
        ((3, 10, 13), torch.float32),
        ((2, 33, 40), torch.float32),
        ((1, 3, 352), torch.float32),
        ((2, 5, 80), torch.bfloat16),
        ((2, 5, 80), torch.float16),
    ],
    ids=str,
)
def test_gelu_and_grn_equal_the_definition(shape, dtype, device):
    leaves = [3 * torch.randn(shape).to(dtype), torch.randn(shape[-1]), torch.randn(shape[-1])]
    assert_near(
        lambda *a: gelu_grn(*a, EPS), definition_of_gelu_grn, [leaf.to(device) for leaf in leaves]
    )


@computes
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("shape", [(1, 1, 4), (3, 49, 40), (2, 700, 13), (5, 352)], ids=str)
def test_layer_norm_equals_the_definition(shape, dtype, device):
    leaves = [(2 * torch.randn(shape) + 5).to(dtype), *torch.randn(2, shape[-1]).unbind()]
    assert_near(
        lambda *a: layer_norm(*a, EPS),
        definition_of_layer_norm,
        [leaf.to(device) for leaf in leaves],
    )


@computes
def test_layer_norm_of_more_rows_than_parts_equals_the_definition(device, monkeypatch):
    monkeypatch.setattr("fcmae.kernels.triton.layer_norm.PARTS", 2)
    leaves = [torch.randn(7, 1100), *torch.randn(2, 1100).unbind()]
    assert_near(
        lambda *a: layer_norm(*a, EPS),
        definition_of_layer_norm,
        [leaf.to(device) for leaf in leaves],
    )


@computes
def test_a_silent_channel_and_a_silent_image_have_the_gradients_of_the_definition(device):
    x = torch.randn(3, 9, 5)
    x[:, :, 2] = 0
    x[1] = 0
    leaves = [x.to(device), torch.randn(5, device=device), torch.randn(5, device=device)]
    assert_near(lambda *a: gelu_grn(*a, EPS), definition_of_gelu_grn, leaves)


@computes
def test_gelu_is_right_from_far_left_to_far_right(device):
    x = torch.cat([torch.linspace(-20, 20, 161), torch.tensor([0.0, 1e-30, -1e-30, 1e18, -1e18])])
    leaves = [x.view(1, -1, 1).to(device), *torch.zeros(2, 1, device=device).unbind()]
    upstream = torch.ones(1, len(x), 1, device=device)
    y, slope, *_ = gradients(lambda *a: gelu_grn(*a, EPS), leaves, upstream)
    leaf = x.double().requires_grad_()
    exact = torch.nn.functional.gelu(leaf)
    exact.sum().backward()
    assert_close(y.flatten().cpu().double(), exact.detach(), rtol=2e-6, atol=1e-7)
    assert_close(slope.flatten().cpu().double(), leaf.grad, rtol=1e-5, atol=3e-7)


@computes
def test_nan_comes_out_as_nan_and_stays_in_its_image(device):
    x = torch.randn(3, 9, 40).bfloat16().to(device)
    x[1, 4, 7] = float("nan")
    weight, bias = torch.randn(40, 1, 7, 7, device=device), torch.randn(40, device=device)
    convolved = depthwise(x, weight, bias, MapTiles.whole(3, 3))
    scaled = gelu_grn(x, bias, bias, EPS)
    for y in (convolved, scaled):
        assert y[1, :, 7].isnan().all()
        assert y[[0, 2]].isfinite().all()


@computes
def test_a_batch_without_images_gives_gradients_of_zero(device):
    leaves = [leaf.to(device) for leaf in depthwise_leaves(0, 9, 8, torch.float32)]
    tiles = MapTiles.whole(3, 3)
    for function in (
        lambda x, w, b: depthwise(x, w, b, tiles),
        lambda x, w, b: gelu_grn(x, b, b, EPS),
        lambda x, w, b: layer_norm(x, b, b, EPS),
    ):
        used = gradients(function, leaves, leaves[0])[-1]
        assert_close(used, torch.zeros_like(used))


@computes
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_the_operators_keep_the_rules_of_torch_library(device):
    tiles = moved(masked(2, (2, 3), 2, 2).tiles, device)
    x = torch.randn(2, 8, 5, device=device, requires_grad=True)
    taps, gamma, bias = (
        torch.randn(*shape, device=device, requires_grad=True) for shape in [(49, 5), (5,), (5,)]
    )
    where = (tiles.patches, tiles.order, tiles.rows, [4, 6, 2, 2])
    torch.library.opcheck(torch.ops.fcmae.depthwise, (x, taps, bias, *where))
    torch.library.opcheck(torch.ops.fcmae.gelu_grn, (x, gamma, bias, EPS))
    torch.library.opcheck(torch.ops.fcmae.layer_norm, (x, gamma, bias, EPS))


def model_and_inputs(device):
    torch.manual_seed(0)
    small = Architecture(depths=(1, 1, 1, 1), dims=(8, 8, 13, 16), version=2)
    net = Autoencoder(small, decoder=DecoderOptions(width=16)).to(device)
    images = torch.randn(2, 3, 64, 64).cumsum(-1).to(device)
    return net, images, torch.tensor([[1], [2]], device=device)


def gradients_of_a_step(device, kernels):
    net, images, visible = model_and_inputs(device)
    with choice.using(kernels):
        loss = net(images, visible).loss
        loss.backward()
    return [loss.detach(), *(p.grad for p in net.parameters())]


@computes
@slow
def test_a_training_step_has_the_gradients_of_the_definition(device):
    ours, right = (gradients_of_a_step(device, kernels) for kernels in ("triton", "reference"))
    assert_close(ours, right, rtol=1e-3, atol=1e-5)


@computes
def test_repeats_give_the_same_bits(device):
    tiles = moved(masked(3, (2, 3), 2, 4).tiles, device)
    leaves = [leaf.to(device) for leaf in depthwise_leaves(3, 32, 13, torch.float32)]
    upstream = torch.randn_like(leaves[0])
    first, again = (gradients(lambda *a: depthwise(*a, tiles), leaves, upstream) for _ in range(2))
    assert_close(again, first, rtol=0, atol=0)


@computes
@pytest.mark.parametrize("sides", [(4, 8), pytest.param((1, 64), marks=slow)], ids=str)
def test_block_sizes_do_not_change_a_bit(sides, device, monkeypatch):
    from fcmae.kernels.triton import depthwise as kernels
    from fcmae.kernels.triton import gelu_grn as gelu_kernels

    tiles = moved(masked(2, (2, 2), 2, 2).tiles, device)
    leaves = [leaf.to(device) for leaf in depthwise_leaves(2, 8, 13, torch.float32)]
    upstream = torch.randn_like(leaves[0])

    def compute():
        convolved = gradients(lambda *a: depthwise(*a, tiles), leaves, upstream)
        normed = gradients(lambda x, _, b: gelu_grn(x, b, b, EPS), leaves, upstream)
        return [*convolved, normed[0], normed[1], normed[3]]

    before = compute()
    for kernel in (kernels._convolve, kernels._correlate, *gelu_kernels.TUNED):
        names = kernel.configs[0].kwargs
        config = type(kernel.configs[0])(dict(zip(names, sides[-len(names) :], strict=True)))
        monkeypatch.setattr(kernel, "configs", [config])
    assert_close(compute(), before, rtol=0, atol=0)


@computes
def test_triton_runs_where_it_is_asked_for(device):
    with choice.using("triton"):
        assert choice.implementation(torch.zeros(1, device=device)) == "triton"
        assert choice.describe(device.type) == "triton"
    with choice.using("auto"):
        assert choice.implementation(torch.zeros(1, device=device)) == "reference"
        assert "must be asked for" in choice.describe(device.type)


@pytest.mark.skipif(gpu.INTERPRETED, reason="under the interpreter Triton computes on the CPU")
def test_triton_by_name_refuses_the_cpu():
    with choice.using("triton"), pytest.raises(FcmaeError, match="on CUDA devices"):
        layer_norm(torch.zeros(2, 3), torch.ones(3), torch.ones(3), EPS)


def test_auto_says_why_a_gpu_does_without(monkeypatch):
    monkeypatch.setattr(gpu, "INTERPRETED", False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    reason = gpu.why_not(torch.device("cuda"))
    assert reason == "the Triton kernels need compute capability 8.0, and this GPU has 7.5"
    monkeypatch.setattr(gpu, "find_spec", lambda _: None)
    assert gpu.why_not(torch.device("cuda")) == "Triton is not installed"


def test_rows_and_places_are_each_others_inverse():
    layout = masked(3, (2, 3), 2, 4)
    rows = layout.tiles.rows
    found = rows.gather(1, layout.places)
    assert_close(found, torch.arange(32, dtype=torch.int32).expand(3, -1))
    assert int((rows < 0).sum()) == 3 * 4 * 16


@pytest.mark.gpu
def test_a_compiled_step_on_the_gpu_equals_an_eager_one():
    device = torch.device("cuda")
    net, images, visible = model_and_inputs(device)
    with choice.using("triton"):
        eager = net(images, visible).loss
        compiled = torch.compile(net)(images, visible).loss
    assert_close(compiled, eager, rtol=1e-4, atol=0)


@pytest.mark.gpu
def test_a_step_on_the_gpu_waits_for_nothing():
    device = torch.device("cuda")
    net, images, visible = model_and_inputs(device)
    with choice.using("triton"):
        net(images, visible).loss.backward()  # block sizes are timed here
        torch.cuda.set_sync_debug_mode("error")
        net(images, visible).loss.backward()
        torch.cuda.set_sync_debug_mode("default")
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("side", [1, 2, 4, 8])
def test_large_depthwise_on_the_gpu_equals_the_definition(side, dtype):
    device = torch.device("cuda")
    layout = masked(9, (7, 7), 20, side)
    leaves = depthwise_leaves(9, 20 * side * side, 96, dtype)
    with choice.using("triton"):
        check_depthwise(layout.tiles, leaves, device)


@pytest.mark.gpu
def test_large_results_on_the_gpu_repeat_to_the_bit():
    device = torch.device("cuda")
    tiles = moved(masked(33, (7, 7), 20, 8).tiles, device)
    leaves = [leaf.to(device) for leaf in depthwise_leaves(33, 20 * 64, 80, torch.bfloat16)]
    upstream = torch.randn_like(leaves[0])
    parameters = torch.randn(2, 80, device=device).unbind()
    with choice.using("triton"):
        results = [
            gradients(lambda *a: depthwise(*a, tiles), leaves, upstream)
            + gradients(lambda *a: gelu_grn(*a, EPS), [leaves[0], *parameters], upstream)
            + gradients(lambda *a: layer_norm(*a, EPS), [leaves[0], *parameters], upstream)
            for _ in range(5)
        ]
    for result in results[1:]:
        assert_close(result, results[0], rtol=0, atol=0)


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.skipif(gpu.INTERPRETED, reason="this is the interpreter")
def test_everything_above_holds_under_the_interpreter(request):
    options = ["--slow"] if request.config.getoption("--slow") else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", __file__, *options],
        env=os.environ | {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "passed" in done.stdout
