"""Timing of training steps: forward, loss, backward and optimizer, the ways taking turns."""

import ctypes
import itertools
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from fcmae.costs.pretraining import WAYS, Bench, BenchPretrain, Row
from fcmae.engine import devices
from fcmae.engine.report import Reporter
from fcmae.kernels import choice
from fcmae.masking import Mask, draw_visible, patch_grid
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import architecture
from fcmae.optim.build import build_optimizer
from fcmae.optim.groups import parameter_groups
from fcmae.optim.options import Optim
from fcmae.process_group import Peers
from fcmae.randomness import seed_everything
from fcmae.types import Images

TimedStep = Callable[[], None]

STATUS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs")


def measure(options: BenchPretrain, reporter: Reporter) -> Bench:
    """Every combination of model, size and ratio."""
    peers = devices.peers(devices.launch(options.run))
    settings = list(itertools.product(options.model, options.size, options.ratio))
    with reporter.counting("timing", len(settings)) as count:
        rows = []
        for model, size, ratio in settings:
            rows.append(_row(options, model, size, ratio, peers))
            count(1)
    cuda = peers.device.type == "cuda"
    return Bench(
        device=torch.cuda.get_device_name(peers.device) if cuda else platform.machine(),
        precision=devices.precision(options.run, peers.device.type),
        kernels=choice.describe(peers.device.type),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        rows=rows,
    )


def _row(options: BenchPretrain, model: str, size: int, ratio: float, peers: Peers) -> Row:
    steps, share = _steps(options, model, size, ratio, peers)
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    peaks: dict[str, int] = {}
    for step in steps.values():
        step()
    for way, step in steps.items():  # apart, since a system that counts memory anew works slower
        with _peak(peers.device, peaks, way):
            step()
            _wait(peers.device)
        step()
    for _ in range(options.rounds):
        for way, step in steps.items():
            begun = time.perf_counter()
            step()
            _wait(peers.device)
            times[way].append(time.perf_counter() - begun)
    seconds = {way: median(of_way) for way, of_way in times.items()}
    return Row(
        model=model,
        size=size,
        ratio=ratio,
        batch_size=options.batch_size,
        visible_share=share,
        seconds=seconds,
        peak_bytes=peaks,
        images_per_s=options.batch_size / seconds["visible"],
        speedup_over_masked_dense=seconds["masked_dense"] / seconds["visible"],
        speedup_over_dense=seconds["dense"] / seconds["visible"],
    )


def _steps(
    options: BenchPretrain, model: str, size: int, ratio: float, peers: Peers
) -> tuple[dict[str, TimedStep], float]:
    """A training step for each way, on the same weights and images, and the visible share."""
    seed_everything(options.run.seed, "bench")
    arch = architecture(model, channels=options.encoder.num_channels, stem=options.encoder.stem)
    net = Autoencoder(arch, checkpointing=options.encoder.checkpointing).to(peers.device)
    images = torch.randn(options.batch_size, arch.channels, size, size, device=peers.device)
    rows, columns = patch_grid(size, size, net.patch)
    numbers = np.arange(options.batch_size)
    drawn = draw_visible(
        Mask(ratio=ratio), rows * columns, seed=options.run.seed, epoch=0, images=numbers,
        repeats=np.zeros_like(numbers),
    )  # fmt: skip
    visible = torch.from_numpy(drawn).to(peers.device)
    optim = Optim()
    optimizer = build_optimizer(parameter_groups(net, optim), optim, peers.device)

    def step(loss: Callable[[], torch.Tensor], kernels: choice.Kernels) -> None:
        with choice.using(kernels), peers.autocast():
            value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    steps: dict[str, TimedStep] = {
        "visible": partial(step, lambda: net(images, visible).loss, options.run.kernels),
        "masked_dense": partial(
            step, lambda: net(images, visible, masked_dense=True).loss, "reference"
        ),
        "dense": partial(step, lambda: _dense_loss(net, images), "reference"),
    }
    return steps, visible.shape[1] / (rows * columns)


def _dense_loss(net: Autoencoder, images: Images) -> torch.Tensor:
    """The encoder on the whole image, as in any training without masks."""
    features: torch.Tensor = net.encoder(images).features
    return features.float().square().mean()


@contextmanager
def _peak(device: torch.device, peaks: dict[str, int], way: str) -> Iterator[None]:
    """Note the most memory held inside, beyond what was held before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield
        peaks[way] = torch.cuda.max_memory_allocated(device) - before
        return
    held = _forget_peak()
    yield
    if held is not None:
        peaks[way] = _status("VmHWM") - held


def _forget_peak() -> int | None:
    """Let Linux count the peak anew; give back the memory held now, or None elsewhere."""
    try:
        # What earlier steps freed must go back to the system, or it hides what a step needs.
        ctypes.CDLL(None).malloc_trim(0)
        FORGET_PEAK.write_text("5")
        return _status("VmRSS")
    except (OSError, AttributeError):
        return None


def _status(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{STATUS} does not tell {name}")


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
