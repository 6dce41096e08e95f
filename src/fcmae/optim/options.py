"""Optimizer, schedule and weight average."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Optim:
    """AdamW under a schedule with warm-up."""

    base_lr: float = 1.5e-4
    """Learning rate per 256 images: the peak rate is base_lr * batch_size / 256."""

    batch_size: int = 4096
    """Images per optimizer step, over all processes and accumulation steps."""

    epochs: int = 800
    """Passes over the training images."""

    warmup_epochs: float | None = None
    """Epochs of linear warm-up, counted within the epochs; by default a tenth of them, at most
    40."""

    schedule: Literal["cosine", "linear", "steps"] = "cosine"
    """How the learning rate falls after the warm-up: by half a cosine, evenly (a polynomial of
    power 1, as in segmentation), or to a tenth at each milestone (as in detection)."""

    milestones: tuple[float, ...] = (0.75, 11 / 12)
    """Shares of the epochs after which steps lower the rate; 27 and 33 of 36 epochs by default."""

    min_lr: float = 0.0
    """Learning rate at the end."""

    weight_decay: float = 0.05
    """Decay of weight matrices and kernels; norms, biases, GRN, LayerScale and the mask token
    have none."""

    betas: tuple[float, float] = (0.9, 0.95)
    """Decay rates of AdamW's two moments."""

    layer_decay: float = 1.0
    """Factor of the learning rate from each layer to the one before it; 1 gives all the same."""

    layer_decay_by: Literal["single", "group", "gapless", "stage"] = "single"
    """What counts as a layer: every block; groups of three blocks (the authors' rule for base and
    larger); the same without the gap that it leaves in smaller ones (their rule for detection); or
    stages, as far below the head as groups would be (their rule for segmentation). A net of timm
    has blocks (single) and stages by its own count."""

    head_lr_scale: float = 1.0
    """Factor of the learning rate of everything behind the encoder: a head that starts at random
    may learn faster than the pre-trained encoder before it."""

    clip_grad: float | None = None
    """Largest norm of the gradient; by default it is not clipped."""

    ema: float | None = None
    """Decay per step of an average of the weights, kept in float32; by default there is none."""

    def __post_init__(self) -> None:
        for name in ("base_lr", "min_lr", "weight_decay", "warmup_epochs"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"optim.{name} is {value}, but must be a number of 0 or more.")
        for name in ("batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"optim.{name} is {getattr(self, name)}, but must be at least 1.")
        if self.warmup > self.epochs:
            raise ValueError(
                f"optim.warmup_epochs is {self.warmup_epochs}, longer than the whole run "
                f"(optim.epochs is {self.epochs}): lower one or raise the other."
            )
        if not all(0 < share < 1 for share in self.milestones):
            raise ValueError(
                f"optim.milestones is {self.milestones}, but each must lie strictly between 0 "
                "and 1."
            )
        if not 0 < self.layer_decay <= 1:
            raise ValueError(
                f"optim.layer_decay is {self.layer_decay}, but must be above 0 and at most 1."
            )
        if not (math.isfinite(self.head_lr_scale) and self.head_lr_scale > 0):
            raise ValueError(
                f"optim.head_lr_scale is {self.head_lr_scale}, but must be a number above 0."
            )
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"optim.betas is {self.betas}, but both must be in [0, 1).")
        if self.clip_grad is not None and not self.clip_grad > 0:
            raise ValueError(f"optim.clip_grad is {self.clip_grad}, but must be above 0.")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"optim.ema is {self.ema}, but must lie strictly between 0 and 1.")

    @property
    def warmup(self) -> float:
        """Epochs of warm-up, given or by default."""
        return min(40.0, self.epochs / 10) if self.warmup_epochs is None else self.warmup_epochs

    @property
    def peak_lr(self) -> float:
        """The learning rate of this batch size, by the linear scaling rule."""
        return self.base_lr * self.batch_size / 256
