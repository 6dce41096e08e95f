"""``fcmae contrast``: first the options of a run, then the run itself."""

from dataclasses import dataclass, replace
from pathlib import Path

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.listing import find_images, split
from fcmae.data.options import Loader, Views
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.loss.options import Contrast as Objective
from fcmae.model.options import Encoder, ModelName, Projection, architecture
from fcmae.model.response import Grn
from fcmae.optim.options import Optim
from fcmae.options.size import Size, divisible_sides
from fcmae.setup.nets import architecture_of, weights_or_none
from fcmae.setup.preflight import check_batch, check_channels, check_pictures
from fcmae.setup.weights import loader_of
from fcmae.training.pretraining import Pretrained
from fcmae.training.resolved_options import Start, encoder_of, spelt_out


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Looks at the model while it trains, to tell whether the run is any good."""

    every: int = 20
    """Epochs between two looks: how different the channels of each block are (figure 4 of the
    paper). The last epoch is always looked at."""

    images: int = 256
    """Training images over which the difference of channels is averaged."""

    labelled: Path | None = None
    """Class folders (or train and val folders of them, or a .csv) for the accuracy of nearest
    neighbours on the features so far. Their labels are never trained on."""

    def __post_init__(self) -> None:
        for name in ("every", "images"):
            if getattr(self, name) < 1:
                raise ValueError(f"monitor.{name} is {getattr(self, name)}, but must be 1 or more.")


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Pre-train an encoder by telling two views of an image from those of others (MoCo v3).

    No labels are needed. A run that was stopped goes on where it was when the same command is
    given again.
    """

    data: Path
    """Folder of images, read recursively, a .txt or .csv list, or a ZIP."""

    out: Path
    """Folder of the run: checkpoints, metrics, pictures, and the weights when it is done."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder (and
    projector and predictor, where they have any that fit) to start from; left out: from scratch."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: ModelName | None = None
    """Size of the encoder: ConvNeXt V2, or with v1- before it ConvNeXt V1; by default that of the
    weights, or atto."""

    size: Size = 224
    """Side in pixels of the views, or height,width: multiples of the encoder's stride."""

    contrast: Objective = Objective()
    projection: Projection = Projection()
    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    augment: Views = Views()
    optim: Optim = Optim(batch_size=256, epochs=300, weight_decay=0.1, betas=(0.9, 0.999))
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()
    monitor: Watch = Watch()

    def __post_init__(self) -> None:
        check_company(self.optim, self.run)
        if self.optim.ema is not None:
            raise ValueError(
                f"optim.ema is {self.optim.ema}, but the momentum encoder is an average of the "
                "weights already: leave it out, and see contrast.momentum."
            )
        if self.weights is None:
            named = architecture(self.model or "atto", stem=self.encoder.stem)
            divisible_sides(self.size, named.stride)
            check_channels(self.loader, self.encoder.channels)

    def spelt_out(self, start: Start | None) -> "Contrast":
        """The same with the encoder and the projection that it comes to."""
        spelt, encoder = spelt_out(self, start), encoder_of(self, start)
        if encoder is None:
            return spelt
        hidden = self.projection.between(encoder.dims[-1])
        return replace(spelt, projection=replace(self.projection, hidden=hidden))


def check_company(optim: Optim, run: Run) -> None:
    """Refuse micro-batches of one image, where one process is known to be on its own."""
    if optim.batch_size == 1:
        raise ValueError(
            "optim.batch_size is 1, but an image is told from others: set it to 2 or more."
        )
    if run.devices == 1 and run.micro_batch is not None:
        left = optim.batch_size % run.micro_batch or run.micro_batch
        if left == 1:
            raise ValueError(
                f"run.micro_batch is {run.micro_batch}, which leaves an image of a batch of "
                f"{optim.batch_size} alone, but it is told from others: choose another number."
            )


def contrast(options: Contrast, reporter: Reporter) -> Pretrained:
    """Check all that can be checked without PyTorch, then train."""
    weights = weights_or_none(options.weights, options.source, reporter)
    arch = architecture_of(
        options.model,
        options.encoder,
        weights,
        adapt=options.adapt is not None,
        grn=options.grn,
    )
    divisible_sides(options.size, arch.stride)
    check_channels(options.loader, arch.channels)
    if weights is not None:
        loader_of(weights, options.loader)
    images = find_images(options.data, labels=False)
    check_batch(len(images), batch_size=options.optim.batch_size, data=options.data)
    check_pictures(images, loader=options.loader, channels=arch.channels)
    labelled = None if options.monitor.labelled is None else split(options.monitor.labelled)
    with hold(options.out):
        from fcmae.training.contrastive_wiring import train

        return train(options, arch, weights, (images, labelled), reporter)
