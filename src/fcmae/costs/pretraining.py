"""Options and results of timing a step of pre-training."""

from dataclasses import dataclass, field

from fcmae.engine.options import Run
from fcmae.masking import Mask, patch_grid
from fcmae.model.options import EncoderOptions, ModelName, architecture
from fcmae.notebook import Result

WAYS = ("visible", "masked_dense", "dense")
"""Visible patches only; the definition that multiplies by the mask; the whole image."""


@dataclass(frozen=True, kw_only=True)
class BenchPretrain:
    """Time one full training step: on visible patches, masked dense, and on whole images.

    The three take turns, so that a busy machine is unfair to none. Masked dense and whole images
    are computed by PyTorch's own operators; the step on whole images is that of the plain encoder,
    with no decoder behind it.
    """

    model: list[ModelName] = field(default_factory=lambda: ["atto"])
    """Sizes of the encoder."""

    size: list[int] = field(default_factory=lambda: [224])
    """Sides of the images in pixels."""

    ratio: list[float] = field(default_factory=lambda: [0.6])
    """Shares of patches hidden."""

    batch_size: int = 16
    """Images per step."""

    rounds: int = 5
    """Timed turns of each; the median counts. Three turns before them, one of which tells the
    memory, are not counted."""

    encoder: EncoderOptions = EncoderOptions()
    run: Run = Run(devices=1)

    def __post_init__(self) -> None:
        for name in ("batch_size", "rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1.")
        for ratio in self.ratio:
            Mask(ratio=ratio)
        for model in self.model:
            for size in self.size:
                patch_grid(size, size, architecture(model, stem=self.encoder.stem).stride)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One setting.

    Attributes:
        model: Size of the encoder.
        size: Side of the images in pixels.
        ratio: Share of patches hidden.
        batch_size: Images per step.
        visible_share: Share of patches that stay visible, after rounding.
        seconds: Median time of a step, by way.
        peak_bytes: Most memory that a step held beyond the weights, by way; empty where the system
            cannot tell.
        images_per_s: Images per second on visible patches.
        speedup_over_masked_dense: How many times faster visible patches are than masked dense.
        speedup_over_dense: How many times faster they are than whole images.
    """

    model: str
    size: int
    ratio: float
    batch_size: int
    visible_share: float
    seconds: dict[str, float]
    peak_bytes: dict[str, int]
    images_per_s: float
    speedup_over_masked_dense: float
    speedup_over_dense: float


@dataclass(frozen=True, kw_only=True)
class Bench(Result):
    """All settings, and what they were timed on.

    Attributes:
        device: Name of the device.
        precision: Type of the matrix products.
        kernels: What computed the step on visible patches.
        threads: Threads of PyTorch on the CPU.
        torch: Version of PyTorch.
        rows: One per setting.
    """

    device: str
    precision: str
    kernels: str
    threads: int
    torch: str
    rows: list[Row]
