"""``fcmae finetune values``: several labels or numbers per image."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.options import Augment, Loader
from fcmae.data.values_find import split_values
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.model.options import Encoder, ModelName
from fcmae.model.response import Grn
from fcmae.notebook import TrainingResult
from fcmae.optim.options import Optim
from fcmae.options.size import Size, divisible_sides, size_or
from fcmae.setup.nets import architecture_of, weights_or_none
from fcmae.setup.preflight import (
    check_at_least_one,
    check_batch,
    check_channels,
    check_labelled,
    check_pictures,
)
from fcmae.setup.weights import loader_of
from fcmae.training.classification import FINETUNING
from fcmae.training.resolved_options import Start, spelt_out

UNMIXED = Augment(mixup=0.0, cutmix=0.0, smoothing=0.0)


@dataclass(frozen=True, kw_only=True)
class FinetuneValues:
    """Learn several labels or numbers per image, from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    data: Path
    """A .csv list with a column path and one for each label (0 or 1) or number; or with a column
    labels that names them with semicolons between. Empty cells are unknown; a column split may
    tell train from val."""

    val: Path | None = None
    """List of images to validate on, where no column split tells."""

    val_share: float = 0.2
    """Share of the images held out to validate on, where there are none for that."""

    kind: Literal["labels", "numbers"] | None = None
    """What the columns are; by default labels where all values are 0 or 1, numbers where each
    column has others too. A mix must be said to be numbers."""

    out: Path
    """Folder of the run: checkpoints, metrics, and the weights when it is done."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder to start from;
    left out: from scratch."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: ModelName | None = None
    """Size of the encoder; by default that of the weights, or atto."""

    size: Size = 224
    """Side in pixels of the images to train on, or height,width: multiples of the stride."""

    test_size: Size | None = None
    """Side in pixels of the images to validate on; by default the same."""

    freeze: Literal["none", "encoder"] = "none"
    """What stays as it is; encoder trains the linear head alone."""

    head_init_scale: float = 1.0
    """Factor of the head's first weights."""

    every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    augment: Augment = UNMIXED
    optim: Optim = FINETUNING
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, None, self.run.seed)
        check_at_least_one(every=self.every)
        if not self.head_init_scale > 0:
            raise ValueError(f"head_init_scale is {self.head_init_scale}, but must be above 0.")
        for name in ("mixup", "cutmix", "smoothing"):
            if getattr(self.augment, name):
                raise ValueError(
                    f"augment.{name} is {getattr(self.augment, name)}, but works on single "
                    "classes only: leave it at 0."
                )
        if self.freeze == "encoder" and self.weights is None:
            raise ValueError("freeze is encoder, but there are no --weights whose encoder to keep.")

    def spelt_out(self, start: Start | None) -> "FinetuneValues":
        """The same with the encoder and the kind of values that it comes to."""
        data = {} if start is None else start.data
        return replace(spelt_out(self, start), kind=self.kind or data.get("kind"))


@dataclass(frozen=True, kw_only=True)
class FinetunedValues(TrainingResult):
    """What a run has come to.

    Attributes:
        out: Folder of the run.
        weights: The final weights: for ``--weights`` of the other commands.
        weights_best: The weights of the best validation.
        kind: Whether labels or numbers were learnt.
        train_images: Images trained on.
        val_images: Images validated on.
        steps: Optimizer steps.
        epochs: Passes over the images.
        mean_ap: Mean of the labels' average precisions, by the final weights.
        mae: Mean of the numbers' absolute errors.
        r2: Mean of the numbers' explained shares of variance.
        per_value: The same for each label or number.
        metrics: The last loss and validation.
    """

    out: Path
    weights: Path
    weights_best: Path
    kind: str
    train_images: int
    val_images: int
    steps: int
    epochs: int
    mean_ap: float | None = None
    mae: float | None = None
    r2: float | None = None
    per_value: list[dict[str, Any]]
    metrics: dict[str, float] = field(default_factory=dict)


def finetune_values(options: FinetuneValues, reporter: Reporter) -> FinetunedValues:
    """Check all that can be checked without PyTorch, then train."""
    weights = weights_or_none(options.weights, options.source, reporter)
    architecture = architecture_of(
        options.model,
        options.encoder,
        weights,
        adapt=options.adapt is not None,
        grn=options.grn,
    )
    divisible_sides(options.size, architecture.stride)
    divisible_sides(size_or(options.test_size, options.size), architecture.stride, "test_size")
    check_channels(options.loader, architecture.channels)
    if weights is not None:
        loader_of(weights, options.loader)
    train, val = split_values(options.data, options.val, options.kind, share=options.val_share)
    check_batch(len(train), batch_size=options.optim.batch_size, data=options.data)
    for images in (train, val):
        check_pictures(images, loader=options.loader, channels=architecture.channels)
    with hold(options.out):
        from fcmae.training.values_wiring import train as train_estimator

        return train_estimator(options, architecture, weights, (train, val), reporter)
