"""``fcmae finetune segment``: first the options of a run, then the run itself."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.options import LabelMapOptions, Loader, SceneAugment
from fcmae.data.segments.find import split_segments
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.evaluation.options import Scan
from fcmae.model.options import Encoder, ModelName, UPerNet
from fcmae.model.response import Grn
from fcmae.notebook import TrainingResult
from fcmae.optim.options import Optim
from fcmae.options.size import Size, divisible_sides, sides
from fcmae.setup.nets import architecture_of, weights_or_none
from fcmae.setup.preflight import (
    check_at_least_one,
    check_batch,
    check_channels,
    check_labelled,
    check_pictures,
)
from fcmae.setup.weights import loader_of
from fcmae.training.resolved_options import Start, spelt_out

SEGMENTING = Optim(
    base_lr=1.6e-3,
    batch_size=16,
    epochs=100,
    schedule="linear",
    betas=(0.9, 0.999),
    layer_decay=0.9,
    layer_decay_by="stage",
)


@dataclass(frozen=True, kw_only=True)
class FinetuneSegment:
    """Train a segmenter, from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    data: Path
    """Folder with images and masks inside, each with or without train and val, or a .yaml that
    names those folders. A mask has the name of its image, and a class index in every pixel."""

    val: Path | None = None
    """Images and masks to validate on, where the data have no part for it."""

    val_share: float = 0.2
    """Share of the images held out to validate on, where there are none for that."""

    out: Path
    """Folder of the run: checkpoints, metrics, pictures, and the weights when it is done."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder to start from;
    left out: from scratch."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: ModelName | None = None
    """Size of the encoder; by default that of the weights, or atto."""

    size: Size = 512
    """Side in pixels of the crops to train on, or height,width: multiples of the stride."""

    repeats: int = 1
    """Crops that are taken out of an image each time it is decoded. An epoch shows each image that
    often, so its number of steps grows with it; large images give more than one."""

    freeze_stages: int = 0
    """The stem and so many first stages of the encoder stay as they are."""

    auxiliary_weight: float = 0.4
    """Factor of the auxiliary head's loss."""

    every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    labels: LabelMapOptions = LabelMapOptions()
    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    head: UPerNet = UPerNet()
    augment: SceneAugment = SceneAugment()
    scan: Scan = Scan()
    optim: Optim = SEGMENTING
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, None, self.run.seed)
        check_at_least_one(every=self.every, repeats=self.repeats)
        if not 0 <= self.freeze_stages <= 4:
            raise ValueError(f"freeze_stages is {self.freeze_stages}, but must be from 0 to 4.")
        if self.auxiliary_weight < 0:
            raise ValueError(f"auxiliary_weight is {self.auxiliary_weight}, but must be 0 or more.")
        if self.freeze_stages and self.weights is None:
            raise ValueError(
                f"freeze_stages is {self.freeze_stages}, but there are no --weights whose stages "
                "to keep."
            )

    def spelt_out(self, start: Start | None) -> "FinetuneSegment":
        """The same with the encoder, shorter sides and meaning of numbers that it comes to.

        Which file names the classes is left out: the names are compared with the images.
        """
        data = {} if start is None else start.data
        labels = replace(self.labels, classes=None)
        for name in ("ignore_index", "reduce_zero_label"):
            if getattr(labels, name) is None:
                labels = replace(labels, **{name: data.get(f"labels.{name}")})
        short_side = self.augment.shorter(sides(self.size))
        augment = replace(self.augment, short_side=short_side)
        scan = self.scan.after(short_side)
        return replace(spelt_out(self, start), labels=labels, augment=augment, scan=scan)


@dataclass(frozen=True, kw_only=True)
class FinetunedSegmenter(TrainingResult):
    """What a run has come to. Shares are between 0 and 1.

    Attributes:
        out: Folder of the run.
        weights: The final weights: for ``--weights`` of the other commands.
        weights_best: The weights of the best validation.
        pictures: Folder of the pictures.
        train_images: Images trained on.
        val_images: Images validated on.
        steps: Optimizer steps.
        epochs: Passes over the images.
        miou: Mean intersection over union of the classes, by the final weights.
        best_miou: The highest of any epoch (chosen on these images, so a little flattering).
        mean_accuracy: Mean of the shares of each class's pixels that are right.
        pixel_accuracy: Share of all pixels that are right.
        per_class: Pixels, intersection over union and accuracy of each class.
        metrics: The last loss and validation.
    """

    out: Path
    weights: Path
    weights_best: Path
    pictures: Path
    train_images: int
    val_images: int
    steps: int
    epochs: int
    miou: float
    best_miou: float
    mean_accuracy: float
    pixel_accuracy: float
    per_class: list[dict[str, Any]]
    metrics: dict[str, float] = field(default_factory=dict)


def finetune_segment(options: FinetuneSegment, reporter: Reporter) -> FinetunedSegmenter:
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
    check_channels(options.loader, architecture.channels)
    if weights is not None:
        loader_of(weights, options.loader)
    train, val = split_segments(options.data, options.val, options.labels, share=options.val_share)
    check_batch(
        len(train),
        repeats=options.repeats,
        batch_size=options.optim.batch_size,
        data=options.data,
    )
    for images in (train, val):
        check_pictures(images, loader=options.loader, channels=architecture.channels)
    with hold(options.out):
        from fcmae.training.segmentation_wiring import train as train_segmenter

        return train_segmenter(options, architecture, weights, (train, val), reporter)
