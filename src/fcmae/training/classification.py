"""``fcmae finetune classify``: first the options of a run, then the run itself."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.listing import few_labels, split
from fcmae.data.options import Augment, Loader
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.model.options import Encoder
from fcmae.model.response import Grn
from fcmae.notebook import TrainingResult
from fcmae.optim.options import Optim
from fcmae.options.size import Size
from fcmae.setup.nets import check_model, check_test_size, net_at, net_of, weights_or_none
from fcmae.setup.preflight import (
    check_at_least_one,
    check_batch,
    check_channels,
    check_labelled,
    check_pictures,
)
from fcmae.setup.weights import loader_of
from fcmae.training.resolved_options import Start, spelt_out

FINETUNING = Optim(
    base_lr=2e-3,
    batch_size=64,
    epochs=100,
    betas=(0.9, 0.999),
    layer_decay=0.8,
)


@dataclass(frozen=True, kw_only=True)
class FinetuneClassify:
    """Train a classifier, from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    data: Path
    """Folder with one folder per class, or with train and val folders of those, or a .csv list
    with columns path,label."""

    val: Path | None = None
    """Images to validate on, where they are not in data/val."""

    val_share: float = 0.2
    """Share of each class held out to validate on, where there are no images for that."""

    out: Path
    """Folder of the run: checkpoints, metrics, pictures, and the weights when it is done."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder and norm to
    start from; left out: from scratch."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: str | None = None
    """Size of the encoder, such as tiny or v1-tiny, or timm:NAME for a net of timm; by default that
    of the weights, or atto."""

    size: Size = 224
    """Side in pixels of the images to train on, or height,width: multiples of the stride."""

    test_size: Size | None = None
    """Side in pixels of the images to validate on; by default the same."""

    labels_per_class: int | None = None
    """Train on so many images of each class, drawn by the seed; by default on all."""

    freeze: Literal["none", "encoder"] = "none"
    """What stays as it is; encoder trains the linear head alone."""

    head: Literal["fitting", "new"] = "fitting"
    """Whether a classifier among the weights gives its head too: fitting takes it where it tells
    the same classes apart (by their names, or their number where they have no names)."""

    head_init_scale: float = 1.0
    """Factor of a new head's first weights; the paper's fine-tuning recipes take 0.001."""

    every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    augment: Augment = Augment()
    optim: Optim = FINETUNING
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, self.labels_per_class, self.run.seed)
        check_model(self.model)
        check_at_least_one(every=self.every)
        if not self.head_init_scale > 0:
            raise ValueError(f"head_init_scale is {self.head_init_scale}, but must be above 0.")
        if self.freeze == "encoder" and self.weights is None:
            raise ValueError("freeze is encoder, but there are no --weights whose encoder to keep.")

    def spelt_out(self, start: Start | None) -> "FinetuneClassify":
        """The same with the encoder that it comes to."""
        return spelt_out(self, start)


@dataclass(frozen=True, kw_only=True)
class Finetuned(TrainingResult):
    """What a run of fine-tuning has come to.

    Attributes:
        out: Folder of the run.
        weights: The final weights: for ``--weights`` of the other commands.
        weights_best: The weights of the best validation.
        pictures: Folder of the pictures.
        train_images: Images trained on.
        val_images: Images validated on.
        steps: Optimizer steps.
        epochs: Passes over the images.
        top1: Share of validation images that the final weights classify right.
        top5: Share of them whose class is among the five likeliest, for more than five classes.
        best_top1: The highest top-1 of any epoch (chosen on these images, so a little flattering).
        per_class: Recall and precision of each class, by the final weights.
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
    top1: float
    top5: float | None = None
    best_top1: float
    per_class: list[dict[str, Any]]
    metrics: dict[str, float] = field(default_factory=dict)


def finetune_classify(options: FinetuneClassify, reporter: Reporter) -> Finetuned:
    """Check all that can be checked without PyTorch, then train."""
    weights = weights_or_none(options.weights, options.source, reporter)
    net = net_of(
        options.model,
        options.encoder,
        weights,
        adapt=options.adapt is not None,
        grn=options.grn,
    )
    size, net = net_at(options.size, net)
    if options.test_size is not None:
        check_test_size(options.test_size, size, net)
    check_channels(options.loader, net.channels)
    if weights is not None:
        loader_of(weights, options.loader)
    train, val = split(options.data, options.val, share=options.val_share)
    if options.labels_per_class is not None:
        train = few_labels(train, options.labels_per_class, options.run.seed)
    check_batch(len(train), batch_size=options.optim.batch_size, data=options.data)
    for images in (train, val):
        check_pictures(images, loader=options.loader, channels=net.channels)
    with hold(options.out):
        from fcmae.training.classification_wiring import train as train_classifier

        return train_classifier(options, net, weights, (train, val), reporter)
