"""Every build of the native kernels against the definition: outputs and every gradient."""

import hashlib
import math
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
import torch
from against_definition import assert_near, depthwise_leaves, gradients, masked
from against_definition import gelu_grn as definition_of_gelu_grn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing import assert_close

from fcmae.errors import FcmaeError
from fcmae.kernels import choice, gpu, native, reference
from fcmae.kernels.depthwise import depthwise
from fcmae.kernels.gelu_grn import gelu_grn
from fcmae.kernels.layer_norm import layer_norm
from fcmae.kernels.linear import linear
from fcmae.kernels.patches import computes_error, take_patches
from fcmae.kernels.tiles import MapTiles
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error, pixel_error_at
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture, DecoderOptions

FOLDER = Path(native.__file__).parent
MASKED = [  # images, channels, grid of patches, visible patches, side of a patch
    (1, 8, (1, 2), 1, 1),
    (1, 40, (2, 2), 1, 8),
    (3, 40, (3, 5), 14, 4),
    (5, 80, (7, 4), 9, 2),
    (1, 352, (3, 3), 4, 1),
    (17, 13, (2, 3), 2, 8),
]
WHOLE = [(1, 3, 1, 1), (2, 40, 7, 7), (3, 17, 5, 9), (1, 96, 56, 56), (2, 24, 3, 14)]


@pytest.fixture(params=native.runnable())
def build(request, monkeypatch):
    """A build that this CPU can run takes the place of the best one."""
    monkeypatch.setenv(native.VARIABLE, request.param)
    native._load.cache_clear()
    try:
        native.library()
    except ValueError as error:  # it was not compiled, or from other sources
        pytest.skip(str(error))
    with choice.using("native"):
        yield request.param
    native._load.cache_clear()


@pytest.fixture
def no_build_is_named(monkeypatch):
    """The best build is looked for anew, whatever the tests are run with."""
    monkeypatch.delenv(native.VARIABLE, raising=False)
    native._load.cache_clear()
    yield
    native._load.cache_clear()


@pytest.fixture
def dirty_memory():
    """Fresh memory holds NaN: what a kernel forgets to write shows."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize(("shape", "dtype"), list(product(MASKED, native.TYPES)), ids=str)
def test_depthwise_on_visible_patches_equals_the_definition(shape, dtype):
    n, channels, grid, visible, side = shape
    tiles = masked(n, grid, visible, side).tiles
    leaves = depthwise_leaves(n, visible * side * side, channels, dtype)
    assert_near(lambda *a: depthwise(*a, tiles), lambda *a: reference.depthwise(*a, tiles), leaves)


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize(("shape", "dtype"), list(product(WHOLE, native.TYPES)), ids=str)
def test_depthwise_on_a_whole_map_equals_the_definition(shape, dtype):
    n, channels, height, width = shape
    tiles = MapTiles.whole(height, width)
    leaves = depthwise_leaves(n, height * width, channels, dtype)
    assert_near(lambda *a: depthwise(*a, tiles), lambda *a: reference.depthwise(*a, tiles), leaves)


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize("dtype", native.TYPES)
@pytest.mark.parametrize(
    "shape", [(1, 1, 4), (1, 700, 24), (2, 99, 160), (3, 10, 13), (17, 63, 103)], ids=str
)
def test_gelu_and_grn_equal_the_definition(shape, dtype):
    leaves = [3 * torch.randn(shape).to(dtype), torch.randn(shape[-1]), torch.randn(shape[-1])]
    assert_near(lambda *a: gelu_grn(*a, 1e-6), definition_of_gelu_grn, leaves)


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize("dtype", native.TYPES)
@pytest.mark.parametrize("shape", [(1, 1, 4), (3, 49, 40), (2, 700, 13), (5, 352)], ids=str)
def test_layer_norm_equals_the_definition(shape, dtype):
    channels = shape[-1:]
    leaves = [(2 * torch.randn(shape) + 5).to(dtype), torch.randn(channels), torch.randn(channels)]
    assert_near(
        lambda *a: layer_norm(*a, 1e-6),
        lambda x, *a: torch.nn.functional.layer_norm(x, channels, *a, 1e-6),
        leaves,
    )


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize("dtype", native.TYPES)
@pytest.mark.parametrize("intel", [False, True])
@pytest.mark.parametrize("shape", [(3, 200, 40, 160), (1, 1, 13, 5), (2, 350, 320, 400)], ids=str)
def test_linear_layers_equal_the_definition(shape, intel, dtype, monkeypatch):
    monkeypatch.setattr(native, "on_intel", lambda: intel)
    n, p, c, d = shape
    leaves = [torch.randn(n, p, c).to(dtype), torch.randn(d, c).to(dtype), torch.randn(d).to(dtype)]
    assert_near(linear, torch.nn.functional.linear, leaves)


PATCHES = [  # images, channels, rows and columns of patches, side of a patch, places
    (1, 3, 2, 2, 1, 1),
    (2, 5, 1, 4, 3, 2),
    (3, 3, 3, 2, 32, 5),
    (17, 1, 2, 3, 8, 6),
    (2, 13, 2, 2, 16, 3),
]


def images_and_places(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    n, channels, rows, columns, side, count = shape
    images = 5 + 3 * torch.randn(n, channels, rows * side, columns * side)
    return images, torch.rand(n, rows * columns).argsort(dim=1)[:, :count]


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize("shape", PATCHES, ids=str)
def test_patches_are_those_of_the_definition(shape):
    images, places = images_and_places(shape)
    for seen in (images, images.to(memory_format=torch.channels_last)):
        ours = take_patches(seen, shape[4], places)
        assert_close(ours, reference.take_patches(seen, shape[4], places), rtol=0, atol=0)


@pytest.mark.usefixtures("build", "dirty_memory")
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(("shape", "dtype"), list(product(PATCHES, native.TYPES)), ids=str)
def test_the_error_of_predicted_pixels_equals_the_definition(shape, dtype, normalize):
    images, places = images_and_places(shape)
    side, target = shape[4], Target(normalize=normalize, groups=(shape[1],))
    prediction = torch.randn(*places.shape, side * side * shape[1]).to(dtype)
    assert computes_error(images, prediction)
    assert pixel_error_at(prediction, images, side, places, target).dtype == torch.float32
    assert_near(
        lambda x: pixel_error_at(x, images, side, places, target).to(x.dtype),
        lambda x: pixel_error(x, reference.take_patches(images, side, places), target),
        [prediction],
    )


@pytest.mark.usefixtures("build")
def test_images_that_need_gradients_get_them():
    images, places = images_and_places(PATCHES[2])
    images.requires_grad_()
    prediction = torch.randn(*places.shape, 3 * 32 * 32)
    pixel_error_at(prediction, images, 32, places, Target()).sum().backward()
    taken = torch.autograd.grad(take_patches(images, 32, places).sum(), images)
    assert images.grad.count_nonzero() > 0
    assert taken[0].sum() == prediction.numel()


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize(
    ("intel", "rows", "convolves"),
    [(False, 500, False), (False, 600, True), (True, 600, False), (True, 2**15, True)],
)
def test_few_values_are_not_multiplied_as_a_convolution(intel, rows, convolves, monkeypatch):
    seen = []
    convolve = torch.nn.functional.conv2d
    monkeypatch.setattr(native, "on_intel", lambda: intel)
    monkeypatch.setattr(
        torch.nn.functional, "conv2d", lambda *a: seen.append(a[0].shape) or convolve(*a)
    )
    linear(torch.randn(1, rows, 40), torch.randn(8, 40), torch.randn(8))
    assert bool(seen) == convolves


@pytest.mark.usefixtures("build")
def test_under_autocast_linear_layers_give_gradients_in_the_types_of_the_leaves():
    leaves = [torch.randn(3, 200, 40), torch.randn(160, 40), torch.randn(160)]
    with torch.autocast("cpu", torch.bfloat16):
        y, *ours = gradients(linear, leaves, upstream := torch.randn(3, 200, 160))
    exact = gradients(torch.nn.functional.linear, leaves, upstream)
    assert y.dtype == torch.bfloat16
    for mine, right in zip([y.float(), *ours], exact, strict=True):
        assert mine.dtype == right.dtype
        assert_close(mine, right, rtol=0, atol=0.01 * right.abs().max().item())


@pytest.mark.usefixtures("build")
def test_without_gradients_kernels_give_the_bits_that_they_give_with_them():
    x, weight, bias = torch.randn(2, 9, 8), torch.randn(8, 1, 7, 7), torch.randn(8)
    functions = [
        lambda: depthwise(x, weight, bias, MapTiles.whole(3, 3)),
        lambda: gelu_grn(x, bias, bias, 1e-6),
        lambda: layer_norm(x, bias, bias, 1e-6),
    ]
    for function in functions:
        with torch.no_grad():
            alone = function()
        assert_close(alone, function(), rtol=0, atol=0)


@pytest.mark.usefixtures("build")
def test_gelu_is_right_from_far_left_to_far_right():
    x = torch.cat([torch.linspace(-40, 40, 8001), torch.tensor([0.0, 1e-30, -1e-30, 1e18, -1e18])])
    leaves = [x.view(1, -1, 1), torch.zeros(1), torch.zeros(1)]
    ours = gradients(lambda *a: gelu_grn(*a, 1e-6), leaves, torch.ones(1, len(x), 1))
    exact = x.double() * torch.special.erfc(-x.double() / math.sqrt(2)) / 2
    # The relative error of the tail, too, where PyTorch's own GELU is zero.
    assert_close(ours[0].flatten().double(), exact, rtol=2e-5, atol=1e-30)
    leaf = x.double().requires_grad_()
    torch.nn.functional.gelu(leaf).sum().backward()
    assert_close(ours[1].flatten().double(), leaf.grad, rtol=1e-5, atol=3e-7)


@pytest.mark.usefixtures("build")
def test_a_silent_channel_and_a_silent_image_have_the_gradients_of_the_definition():
    x = torch.randn(3, 9, 5)
    x[:, :, 2] = 0
    x[1] = 0
    leaves = [x, torch.randn(5), torch.randn(5)]
    assert_near(lambda *a: gelu_grn(*a, 1e-6), definition_of_gelu_grn, leaves)


@pytest.mark.usefixtures("build")
def test_nan_comes_out_as_nan_and_stays_in_its_image():
    x = torch.randn(3, 9, 40).bfloat16()
    x[1, 4, 7] = float("nan")
    weight, bias = torch.randn(40, 1, 7, 7), torch.randn(40)
    convolved = depthwise(x, weight, bias, MapTiles.whole(3, 3))
    scaled = gelu_grn(x, torch.ones(40), torch.ones(40), 1e-6)
    for y in (convolved, scaled):
        assert y[1, :, 7].isnan().all()
        assert y[[0, 2]].isfinite().all()


@pytest.mark.usefixtures("build")
def test_repeats_and_numbers_of_threads_give_the_same_bits():
    layout = masked(19, (4, 4), 6, 4)
    leaves = depthwise_leaves(19, 6 * 16, 40, torch.float32)
    upstream = torch.randn_like(leaves[0])
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2, 3, 2):
        torch.set_num_threads(threads)
        convolved = gradients(lambda *a: depthwise(*a, layout.tiles), leaves, upstream)
        x, beta, gamma = leaves[0][:3], leaves[2], leaves[2] - 1
        scaled = gradients(lambda *a: gelu_grn(*a, 1e-6), [x, gamma, beta], upstream[:3])
        normed = gradients(lambda *a: layer_norm(*a, 1e-6), [x, gamma, beta], upstream[:3])
        product = gradients(
            linear,
            [x.bfloat16(), leaves[1].flatten(1).bfloat16().T[:40], beta.bfloat16()],
            upstream[:3],
        )
        results.append(convolved + scaled + normed + product[3:])
    torch.set_num_threads(before)
    for result in results[1:]:
        assert_close(result, results[0], rtol=0, atol=0)


@pytest.mark.full
@pytest.mark.usefixtures("build")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_the_operators_keep_the_rules_of_torch_library():
    tiles = masked(2, (2, 3), 2, 2).tiles
    x = torch.randn(2, 8, 5, requires_grad=True)
    taps, bias = torch.randn(49, 5, requires_grad=True), torch.randn(5, requires_grad=True)
    torch.library.opcheck(
        torch.ops.fcmae.depthwise,
        (x, taps, bias, tiles.patches, tiles.order, tiles.rows, [4, 6, 2, 2]),
    )
    gamma = torch.randn(5, requires_grad=True)
    torch.library.opcheck(torch.ops.fcmae.gelu_grn, (x, gamma, bias, 1e-6))
    torch.library.opcheck(torch.ops.fcmae.layer_norm, (x, gamma, bias, 1e-6))


def test_the_definitions_match_finite_differences():
    tiles = masked(2, (1, 2), 1, 2).tiles
    leaves = [t.double().requires_grad_() for t in depthwise_leaves(2, 4, 1, torch.float32)]
    torch.autograd.gradcheck(lambda *a: reference.depthwise(*a, tiles), leaves)
    leaves = [torch.randn(*s).double().requires_grad_() for s in [(2, 6, 3), (3,), (3,)]]
    torch.autograd.gradcheck(definition_of_gelu_grn, leaves)


@pytest.mark.full
@pytest.mark.usefixtures("build")
def test_fifty_steps_of_training_follow_the_curve_of_the_definition():
    def losses(name):
        torch.manual_seed(0)
        small = Architecture(depths=(1, 1, 2, 1), dims=(8, 16, 24, 40), version=2)
        net = Autoencoder(small, decoder=DecoderOptions(width=32))
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
        images = torch.randn(2, 3, 64, 64).cumsum(-1)
        curve = []
        with choice.using(name):
            for step in range(50):
                visible = torch.tensor([[step % 4], [step % 3]])
                loss = net(images, visible).loss
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                curve.append(loss.item())
        return torch.tensor(curve)

    curve = losses("native")
    assert curve[-1] < 0.98 * curve[0]
    assert_close(curve, losses("reference"), rtol=1e-4, atol=0)


def test_native_by_name_refuses_what_it_cannot_compute_and_auto_falls_back(monkeypatch):
    x = torch.randn(1, 4, 8, dtype=torch.float64)
    weight, bias = torch.randn(8, 1, 7, 7).double(), torch.randn(8).double()
    with choice.using("native"), pytest.raises(FcmaeError, match="float64"):
        depthwise(x, weight, bias, MapTiles.whole(2, 2))
    assert depthwise(x, weight, bias, MapTiles.whole(2, 2)).dtype == torch.float64
    monkeypatch.setattr(native, "_load", lambda: "no kernels were compiled")
    assert choice.describe("cpu") == "reference: no kernels were compiled"
    with choice.using("native"), pytest.raises(FcmaeError, match="no kernels were compiled"):
        depthwise(x.float(), weight, bias, MapTiles.whole(2, 2))


def test_the_build_that_the_variable_names_is_the_one_that_computes(build):
    assert choice.describe("cpu") == f"native ({build})"
    assert layer_norm(torch.randn(1, 4, 8), torch.ones(8), torch.ones(8), 1e-6).isfinite().all()


def test_builds_are_those_of_the_cpu_and_of_lesser_ones(monkeypatch):
    ranked = ("avx512bf16", "avx512", "avx2", "plain")
    monkeypatch.setattr(native.platform, "machine", lambda: "x86_64")
    for capability, first in (("AVX512", 0), ("AVX2", 2), ("DEFAULT", 3)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda c=capability: c)
        assert native.runnable() == ranked[first:]
    monkeypatch.setattr(native.platform, "machine", lambda: "arm64")
    assert native.runnable() == ("plain",)


@pytest.mark.usefixtures("no_build_is_named")
@pytest.mark.parametrize("named", ["sse9", "avx512"])
def test_a_build_that_the_cpu_cannot_run_is_refused_by_name(named, monkeypatch, tmp_path):
    monkeypatch.setattr(native, "runnable", lambda: ("avx2", "plain"))
    monkeypatch.setenv(native.VARIABLE, named)
    message = f"FCMAE_KERNELS_BUILD is {named}, but must be one of avx2, plain, which this CPU"
    with pytest.raises(ValueError, match=message):
        choice.describe("cpu")
    monkeypatch.setenv(native.VARIABLE, "plain")
    monkeypatch.setattr(native, "__file__", str(tmp_path / "native.py"))
    with pytest.raises(ValueError, match="FCMAE_KERNELS_BUILD is plain, but no native kernels"):
        choice.describe("cpu")


def test_the_interface_number_rises_with_the_functions_of_the_sources():
    sources = "".join(path.read_text() for path in sorted((FOLDER / "cpp").glob("*.cpp")))
    declared = re.findall(r"^EXPORT (.+?) \{", sources, re.MULTILINE | re.DOTALL)
    assert len(declared) == 13
    text = "\n".join(" ".join(declaration.split()) for declaration in declared)
    known = {3: "841bc1224e61c7dd"}
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == known[native.INTERFACE]
    assert f"EXPORT int fcmae_interface() {{ return {native.INTERFACE}; }}" in sources


RUNS = "int fcmae_runs_here(void) { return 1; }"
STALE = {
    "no interface number": RUNS,
    "interface 0": RUNS + "int fcmae_interface(void) { return 0; }",
    "cannot be loaded": None,
}


def a_build_of(source: str | None, folder: Path, name: str) -> None:
    path = folder / name
    if source is None:
        path.write_bytes(b"not a library")
        return
    (folder / "stale.c").write_text(source)
    compiler = shutil.which("cc") or pytest.skip("there is no C compiler here")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", path, folder / "stale.c"], check=True)


@pytest.mark.usefixtures("no_build_is_named")
@pytest.mark.parametrize("said", STALE)
def test_a_build_of_other_sources_is_passed_over_and_the_reference_computes(
    said, monkeypatch, tmp_path
):
    monkeypatch.setattr(native, "__file__", str(tmp_path / "native.py"))
    name = f"_native_{native.runnable()[0]}.abi3.so"
    a_build_of(STALE[said], tmp_path, name)
    described = choice.describe("cpu")
    assert described.startswith("reference: ")
    assert said in described
    assert name in described
    assert linear(torch.randn(1, 4, 8), torch.randn(2, 8), torch.randn(2)).shape == (1, 4, 2)
    with choice.using("native"), pytest.raises(FcmaeError, match=re.escape(said)):
        layer_norm(torch.randn(1, 4, 8), torch.ones(8), torch.ones(8), 1e-6)


@pytest.mark.usefixtures("no_build_is_named")
def test_behind_a_build_of_other_sources_the_next_one_is_taken(monkeypatch, tmp_path):
    if native.why_not():
        pytest.skip(native.why_not())
    loaded = native.library().instructions
    path = next(iter(sorted(FOLDER.glob(f"_native_{loaded}.*"))))
    shutil.copy(path, tmp_path)
    a_build_of(STALE["interface 0"], tmp_path, f"_native_{loaded}.a-stale-one.so")
    monkeypatch.setattr(native, "__file__", str(tmp_path / "native.py"))
    native._load.cache_clear()
    assert choice.describe("cpu") == f"native ({loaded})"


FOLLOWED = [
    lambda x: depthwise(x, torch.ones(8, 1, 7, 7), torch.ones(8), MapTiles.whole(3, 3)),
    lambda x: gelu_grn(x, torch.ones(8), torch.ones(8), 1e-6),
    lambda x: layer_norm(x, torch.ones(8), torch.ones(8), 1e-6),
    lambda x: linear(x.bfloat16(), torch.ones(4, 8).bfloat16(), torch.ones(4).bfloat16()).float(),
]


@pytest.mark.usefixtures("build")
@pytest.mark.filterwarnings("ignore:`?torch.jit", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("function", FOLLOWED)
@pytest.mark.parametrize("trace", [lambda f, x: make_fx(f)(x), torch.jit.trace], ids=["fx", "jit"])
def test_what_is_traced_without_gradients_computes_on_other_inputs(trace, function):
    first, second = torch.randn(2, 2, 9, 8)
    with torch.no_grad():
        traced = trace(function, first)
        assert_close(traced(second), function(second), rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("function", FOLLOWED)
def test_tensors_without_memory_have_the_shapes_of_the_definition(function):
    expected = function(torch.randn(2, 9, 8))
    with FakeTensorMode():
        x = torch.randn(2, 9, 8, requires_grad=True)
        function(x).sum().backward()
        with torch.no_grad():
            y = function(x)
    assert (x.grad.shape, y.shape, y.dtype) == (x.shape, expected.shape, expected.dtype)


@pytest.mark.usefixtures("build")
def test_no_images_have_linear_layers_and_gradients_too():
    x = torch.randn(0, 9, 8).bfloat16().requires_grad_()
    weight, bias = torch.randn(4, 8, requires_grad=True), torch.randn(4, requires_grad=True)
    y = linear(x, weight, bias)
    y.sum().backward()
    assert (y.shape, x.grad.shape) == ((0, 9, 4), x.shape)
    assert_close(weight.grad, torch.zeros_like(weight), rtol=0, atol=0)
    assert_close(bias.grad, torch.zeros_like(bias), rtol=0, atol=0)


def test_no_images_have_a_convolution_by_the_definition_and_gradients_too():
    x = torch.randn(0, 9, 8, requires_grad=True)
    weight, bias = torch.randn(8, 1, 7, 7, requires_grad=True), torch.randn(8, requires_grad=True)
    y = reference.depthwise(x, weight, bias, MapTiles.whole(3, 3))
    y.sum().backward()
    assert (y.shape, x.grad.shape) == ((0, 9, 8), x.shape)
    assert_close(weight.grad, torch.zeros_like(weight), rtol=0, atol=0)


def test_native_kernels_by_name_say_that_the_interpreter_has_their_place(monkeypatch):
    monkeypatch.setattr(gpu, "INTERPRETED", True)
    with choice.using("native"), pytest.raises(FcmaeError, match="TRITON_INTERPRET=1 gives the"):
        layer_norm(torch.randn(1, 4, 8), torch.ones(8), torch.ones(8), 1e-6)


def test_autocast_reaches_the_kernels():
    x, weight, bias = torch.randn(2, 9, 8), torch.randn(8, 1, 7, 7), torch.randn(8)
    with torch.autocast("cpu", torch.bfloat16):
        assert depthwise(x, weight, bias, MapTiles.whole(3, 3)).dtype == torch.bfloat16
