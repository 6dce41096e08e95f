"""Options and results of modelling memory and GPU-hours."""

from dataclasses import dataclass, field
from typing import Literal

from fcmae.model.options import EncoderOptions, ModelName, architecture
from fcmae.notebook import Result

GIB = 2**30
Kind = Literal["pretrain", "classify", "segment", "detect"]
SIZES: dict[Kind, int] = {"pretrain": 224, "classify": 224, "segment": 512, "detect": 1024}
"""Sides of the images in the paper."""

PAPER: tuple[ModelName, ...] = (
    "atto", "femto", "pico", "nano", "tiny", "base", "large", "huge",
)  # fmt: skip
"""The sizes of ConvNeXt V2 in the paper."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Memory per GPU and GPU-hours of a training, from a model: nothing here is measured.

    The step is taken on shapes without values, with PyTorch's own operators. runs counts the runs
    of the paper, each at the size, epochs and data of its recipe.
    """

    model: list[ModelName] = field(default_factory=lambda: list(PAPER))
    """Sizes of the encoder."""

    task: Kind = "pretrain"
    """What is trained: an autoencoder, a classifier, UPerNet or Mask R-CNN."""

    size: list[int] = field(default_factory=list)
    """Sides of the images in pixels; by default that of the paper: 224, 512 to segment, 1024 to
    detect."""

    batch_size: list[int] = field(default_factory=lambda: [64])
    """Images of a GPU at a time: run.micro_batch, or its share of optim.batch_size."""

    gpus: int = 8
    """GPUs that share the work."""

    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Type of the matrix products."""

    average: bool = False
    """Whether the run averages its weights (optim.ema)."""

    images: int = 1_281_167
    """Images of the data; by default those of ImageNet-1K."""

    epochs: int = 100
    """Passes over them."""

    tflops: float = 312.0
    """What the GPU could do: 312 is the data sheet's number for bfloat16 on an A100, 989 on an
    H100."""

    utilisation: float = 0.3
    """Share of that which is reached. It depends on the machine: measure it with a short run."""

    runs: bool = False
    """Count the GPU-hours of the paper's runs instead."""

    encoder: EncoderOptions = EncoderOptions()

    def __post_init__(self) -> None:
        for name in ("model", "batch_size"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty, but must be one or more values.")
        counts = {name: [getattr(self, name)] for name in ("gpus", "images", "epochs")}
        for name, values in {"batch_size": self.batch_size, **counts}.items():
            if min(values) < 1:
                raise ValueError(f"{name} is {min(values)}, but must be at least 1.")
        if not self.tflops > 0:
            raise ValueError(f"tflops is {self.tflops}, but must be above 0.")
        if not 0 < self.utilisation <= 1:
            raise ValueError(f"utilisation is {self.utilisation}, but must lie in (0, 1].")
        stride = architecture("atto", stem=self.encoder.stem).stride
        for side in self.sides:
            if side % stride or side < stride:
                raise ValueError(f"size is {side}, but must be a multiple of {stride}.")

    @property
    def sides(self) -> list[int]:
        """Sides of the images in pixels."""
        return self.size or [SIZES[self.task]]


@dataclass(frozen=True, kw_only=True)
class Needed:
    """Memory and time that one size needs.

    Attributes:
        model: Size of the encoder.
        size: Side of the images in pixels.
        batch_size: Images of a GPU at a time.
        parameters: Trained parameters.
        ddp_bytes: Memory of each GPU if each has the whole model, part by part.
        fsdp_bytes: The same if they share it.
        tflop_per_image: Operations of training on one image, in trillions.
        images_per_s: Images per second of one GPU.
        gpu_hours: Hours of one GPU for all epochs.
    """

    model: str
    size: int
    batch_size: int
    parameters: int
    ddp_bytes: dict[str, int]
    fsdp_bytes: dict[str, int]
    tflop_per_image: float
    images_per_s: float
    gpu_hours: float


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """Memory and GPU-hours of a run of the paper.

    Attributes:
        recipe: Its recipe.
        model: Size of the encoder.
        size: Side of the images in pixels.
        images: Images of the data.
        epochs: Passes over them.
        gpu_hours: Hours of one GPU.
    """

    recipe: str
    model: str
    size: int
    images: int
    epochs: int
    gpu_hours: float


@dataclass(frozen=True, kw_only=True)
class Costs(Result):
    """All sizes or runs, and what was assumed.

    Attributes:
        needed: One per size.
        runs: One per run of the paper.
        assumed: The assumptions in words.
    """

    needed: list[Needed] = field(default_factory=list)
    runs: list[RunCost] = field(default_factory=list)
    assumed: str
