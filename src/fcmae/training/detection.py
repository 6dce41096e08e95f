"""``fcmae finetune detect``: first the options of a run, then the run itself."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.image_list import ImageList
from fcmae.data.objects.find import split_objects
from fcmae.data.options import Jitter, Loader
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.evaluation.coco import require_coco_eval
from fcmae.evaluation.options import Tiles
from fcmae.model.options import Encoder, MaskRCNN, ModelName, Suppression
from fcmae.model.response import Grn
from fcmae.notebook import TrainingResult
from fcmae.optim.options import Optim
from fcmae.options.size import Size, divisible_sides, sides, size_or
from fcmae.setup.labelled import BadLabels, accepted, for_masks
from fcmae.setup.nets import architecture_of, weights_or_none
from fcmae.setup.preflight import (
    check_at_least_one,
    check_batch,
    check_channels,
    check_labelled,
    check_pictures,
)
from fcmae.setup.weights import loader_of
from fcmae.training.resolved_options import Start, encoder_of, spelt_out

FINETUNING = Optim(
    base_lr=1.6e-3,
    batch_size=16,
    epochs=36,
    schedule="steps",
    betas=(0.9, 0.999),
    layer_decay=0.9,
    clip_grad=1.0,
)


@dataclass(frozen=True, kw_only=True)
class FinetuneDetect:
    """Train a detector (Mask R-CNN), from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    data: Path
    """Images with labels: a COCO .json, a folder of COCO, YOLO or Pascal VOC, or a .yaml that names
    train and val."""

    val: Path | None = None
    """Labels to validate on, where data does not hold them."""

    val_share: float = 0.2
    """Share of the images held out to validate on, where there are no others for that."""

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

    masks: bool | None = None
    """Whether to find outlines; by default where the labels have them."""

    size: Size = 512
    """Side in pixels of the views to train on, or height,width: multiples of the stride. Images are
    fitted into them; with tiles.size they keep their own size, and the views are parts of them."""

    test_size: Size | None = None
    """Height and width that images are fitted into to validate, whichever way round suits them; by
    default the same. With tiles.size they are looked at through windows instead."""

    bad_labels: BadLabels = "stop"
    """What to do with labels that are wrong: stop before training, or leave them out and say so."""

    repeats: int = 1
    """Views that are taken out of an image each time it is decoded. An epoch shows each image that
    often, so its number of steps grows with it; large images give more than one."""

    freeze_stages: int = 0
    """How many stages of the encoder stay as they are, the stem with them."""

    every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    head: MaskRCNN = MaskRCNN()
    tiles: Tiles = Tiles()
    suppression: Suppression = Suppression()
    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    augment: Jitter = Jitter()
    optim: Optim = FINETUNING
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, None, self.run.seed)
        check_at_least_one(every=self.every, repeats=self.repeats)
        if not 0 <= self.freeze_stages <= 4:
            raise ValueError(f"freeze_stages is {self.freeze_stages}, but must be from 0 to 4.")
        if self.freeze_stages and self.weights is None:
            raise ValueError(
                f"freeze_stages is {self.freeze_stages}, but there are no --weights to keep."
            )
        if self.tiles.tiling() is not None and self.test_size is not None:
            raise ValueError(
                f"test_size is {self.test_size}, but with tiles.size no image is fitted into "
                "anything: leave one of them out."
            )
        if self.run.compile:
            raise ValueError(
                "run.compile does not go with detection, where every image has another number of "
                "boxes: leave it out."
            )

    def spelt_out(self, start: Start | None) -> "FinetuneDetect":
        """The same with the encoder, anchors, masks, windows and factors that it comes to."""
        spelt, encoder = spelt_out(self, start), encoder_of(self, start)
        data = {} if start is None else start.data
        masks = data.get("masks") if self.masks is None else self.masks
        head = self.head
        if encoder is not None:
            head = replace(head, anchor=head.smallest_anchor(encoder.stem))
        tiling = self.tiles.tiling()
        scale = self.augment.factors(own_size=tiling is not None)
        tiles = self.tiles if tiling is None else Tiles(size=tiling.size, overlap=tiling.overlap)
        augment = replace(self.augment, scale=scale)
        return replace(spelt, masks=masks, head=head, tiles=tiles, augment=augment)


@dataclass(frozen=True, kw_only=True)
class DetectorTrained(TrainingResult):
    """What a run of training a detector has come to.

    Attributes:
        out: Folder of the run.
        weights: The final weights: for ``--weights`` of the other commands.
        weights_best: The weights of the best validation.
        pictures: Folder of the pictures.
        train_images: Images trained on.
        val_images: Images validated on.
        steps: Optimizer steps.
        epochs: Passes over the images.
        boxes: COCO's numbers for boxes, by the final weights.
        masks: The same for masks, where there are any.
        best_ap: The highest average precision of any epoch, of masks where there are any (chosen on
            these images, so a little flattering).
        per_class: Average precision of each class.
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
    boxes: dict[str, float | None]
    masks: dict[str, float | None] | None
    best_ap: float | None
    per_class: list[dict[str, Any]]
    metrics: dict[str, float] = field(default_factory=dict)


def finetune_detect(options: FinetuneDetect, reporter: Reporter) -> DetectorTrained:
    """Check all that can be checked without PyTorch, then train."""
    require_coco_eval()
    weights = weights_or_none(options.weights, options.source, reporter)
    architecture = architecture_of(
        options.model,
        options.encoder,
        weights,
        adapt=options.adapt is not None,
        grn=options.grn,
    )
    divisible_sides(options.size, architecture.stride)
    sides(size_or(options.test_size, options.size), "test_size")
    check_channels(options.loader, architecture.channels)
    if weights is not None:
        loader_of(weights, options.loader)
    train, val = images_of(options, reporter)
    check_batch(
        len(train),
        repeats=options.repeats,
        batch_size=options.optim.batch_size,
        data=options.data,
    )
    check_pictures(train, loader=options.loader, channels=architecture.channels)
    tiled = options.tiles.tiling() is not None
    check_pictures(val, loader=options.loader, channels=architecture.channels, tiled=tiled)
    with hold(options.out):
        from fcmae.training.detection_wiring import train as train_detector

        return train_detector(options, architecture, weights, (train, val), reporter)


def images_of(options: FinetuneDetect, reporter: Reporter) -> tuple[ImageList, ImageList]:
    """Images to train on and to validate on, with sound labels."""
    train, val = split_objects(options.data, options.val, share=options.val_share)
    train = for_masks(train, options.masks)
    val = for_masks(val, None if train.objects.outlined else False)
    source = options.val or options.data
    return (
        accepted(train, options.bad_labels, options.data, reporter),
        accepted(val, options.bad_labels, source, reporter),
    )
