"""``fcmae pretrain``: first the options of a run, then the run itself."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.listing import find_images, split
from fcmae.data.options import Crop, Loader
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.loss.options import Target
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.options import Architecture, DecoderOptions, Encoder, ModelName, architecture
from fcmae.model.response import Grn
from fcmae.notebook import TrainingResult
from fcmae.optim.options import Optim
from fcmae.options.size import Size, sides
from fcmae.setup.nets import architecture_of, weights_or_none
from fcmae.setup.preflight import (
    check_at_least_one,
    check_batch,
    check_channels,
    check_pictures,
)
from fcmae.setup.weights import loader_of
from fcmae.training.resolved_options import Start, encoder_of, spelt_out


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """Looks at the model while it trains, to tell whether the run is any good."""

    every: int = 20
    """Epochs between two looks: reconstructions of a few images, and how different the channels of
    each block are (figure 4 of the paper). The last epoch is always looked at."""

    images: int = 256
    """Training images over which the difference of channels is averaged."""

    pictures: int = 8
    """Images to reconstruct."""

    labelled: Path | None = None
    """Class folders (or train and val folders of them, or a .csv) for the accuracy of nearest
    neighbours on the features so far. Their labels are never trained on."""

    def __post_init__(self) -> None:
        for name in ("every", "images", "pictures"):
            if getattr(self, name) < 1:
                raise ValueError(f"monitor.{name} is {getattr(self, name)}, but must be 1 or more.")


@dataclass(frozen=True, kw_only=True)
class Pretrain:
    """Pre-train an encoder by reconstructing hidden patches of images (FCMAE).

    No labels are needed. A run that was stopped goes on where it was when the same command is
    given again.
    """

    data: Path
    """Folder of images, read recursively, a .txt or .csv list, or a ZIP."""

    out: Path
    """Folder of the run: checkpoints, metrics, pictures, and the weights when it is done."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder (and decoder,
    where they have one that fits) to start from; left out: from scratch."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: ModelName | None = None
    """Size of the encoder: ConvNeXt V2, or with v1- before it ConvNeXt V1; by default that of the
    weights, or atto."""

    size: Size = 224
    """Side in pixels of the crops to train on, or height,width: multiples of the mask's patch."""

    repeats: int = 1
    """Crops that are cut from an image each time it is decoded. An epoch shows each image that
    often, so its number of steps grows with it."""

    mask: Mask = Mask()
    target: Target = Target()
    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    decoder: DecoderOptions = DecoderOptions()
    augment: Crop = Crop()
    optim: Optim = Optim(batch_size=256)
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()
    monitor: Monitor = Monitor()

    def __post_init__(self) -> None:
        check_at_least_one(repeats=self.repeats)
        if self.weights is None:
            check_sizes(self, architecture(self.model or "atto", stem=self.encoder.stem))
            check_channels(self.loader, self.encoder.channels)

    def spelt_out(self, start: Start | None) -> "Pretrain":
        """The same with the encoder and the side of a patch that it comes to."""
        spelt, encoder = spelt_out(self, start), encoder_of(self, start)
        if encoder is None:
            return spelt
        return replace(spelt, mask=replace(self.mask, patch=patch_side(self.mask, encoder.stride)))


@dataclass(frozen=True, kw_only=True)
class Pretrained(TrainingResult):
    """What a run of pre-training has come to.

    Attributes:
        out: Folder of the run.
        weights: The weights: for ``--weights`` of the other commands.
        pictures: Folder of the pictures.
        images: Images trained on.
        steps: Optimizer steps.
        epochs: Passes over the images.
        metrics: The last loss, and what the monitor saw last.
    """

    out: Path
    weights: Path
    pictures: Path
    images: int
    steps: int
    epochs: int
    metrics: dict[str, float] = field(default_factory=dict)


def pretrain(options: Pretrain, reporter: Reporter) -> Pretrained:
    """Check all that can be checked without PyTorch, then train."""
    weights = weights_or_none(options.weights, options.source, reporter)
    arch = architecture_of(
        options.model,
        options.encoder,
        weights,
        adapt=options.adapt is not None,
        grn=options.grn,
    )
    check_sizes(options, arch)
    check_channels(options.loader, arch.channels)
    if weights is not None:
        loader_of(weights, options.loader)
    images = find_images(options.data, labels=False)
    check_batch(
        len(images),
        repeats=options.repeats,
        batch_size=options.optim.batch_size,
        data=options.data,
    )
    check_pictures(images, loader=options.loader, channels=arch.channels)
    labelled = None if options.monitor.labelled is None else split(options.monitor.labelled)
    with hold(options.out):
        from fcmae.training.pretraining_wiring import train

        return train(options, arch, weights, (images, labelled), reporter)


def check_sizes(options: Pretrain, architecture: Architecture) -> None:
    """Refuse images that cannot be cut into patches of the mask."""
    patch_grid(*sides(options.size), patch_side(options.mask, architecture.stride))
