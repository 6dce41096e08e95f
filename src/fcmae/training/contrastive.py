"""Contrastive pre-training (MoCo v3): options and model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from fcmae.data.options import Views
from fcmae.engine.options import Run
from fcmae.loss.options import ContrastOptions as Objective
from fcmae.model.options import Architecture, ModelName, Projection
from fcmae.optim.options import Optim
from fcmae.options.size import Size, sides
from fcmae.training.start import Net, Prepared
from fcmae.training.unlabelled import UnlabelledOptions

if TYPE_CHECKING:
    from fcmae.training.parts import Parts


@dataclass(frozen=True, kw_only=True)
class Contrast(UnlabelledOptions):
    """Pre-train an encoder by telling two views of an image from those of others (MoCo v3).

    No labels are needed. A run that was stopped goes on where it was when the same command is
    given again.
    """

    command: ClassVar[str] = "contrast"

    model: ModelName | None = None
    """Size of the encoder: ConvNeXt V2, or with v1- before it ConvNeXt V1; by default that of the
    weights, or atto."""

    size: Size = 224
    """Side in pixels of the views, or height,width: multiples of the encoder's stride."""

    contrast: Objective = Objective()
    projection: Projection = Projection()
    augment: Views = Views()
    optim: Optim = Optim(batch_size=256, epochs=300, weight_decay=0.1, betas=(0.9, 0.999))

    def __post_init__(self) -> None:
        check_company(self.optim, self.run)
        if self.optim.ema is not None:
            raise ValueError(
                f"optim.ema is {self.optim.ema}, but the momentum encoder is an average of the "
                "weights already: leave it out, and see contrast.momentum."
            )
        super().__post_init__()

    def parts(self, start: Prepared) -> "Parts":
        """Builds two encoders, pairs of views and what watches them."""
        from fcmae.data.contrasting import Contrasting
        from fcmae.data.pairs import Pairs
        from fcmae.model.contraster import Contraster
        from fcmae.tasks import contrast as task
        from fcmae.training.init_weights import init_weights
        from fcmae.training.parts import Parts

        start.reporter.message(self._chance())
        model = Contraster(
            start.architecture,
            projection=self.projection,
            drop_path=self.encoder.drop_path,
            checkpointing=self.encoder.checkpointing,
        )
        init_weights(model, self, start)
        model.start_momentum()
        feed = Pairs(
            start.images.train,
            Contrasting(sides(self.size), self.augment),
            seed=self.run.seed,
            loader=start.loader,
            channels=start.channels,
        )
        return Parts(
            task=task.ContrastTask(model, self.contrast),
            feed=feed,
            evaluations=self.monitors(start),
        )

    def _chance(self) -> str:
        """Explains the loss of an encoder that guesses."""
        if self.run.micro_batch is None:
            keys = self.optim.batch_size
            return f"A loss of {math.log(keys):.2f} is that of guessing among {keys:,} images."
        return "A loss of the logarithm of a micro-batch's images is that of guessing among them."

    def decided(self, net: Net | None, data: Mapping[str, Any]) -> "Contrast":
        """Returns the options with the width of the projection."""
        if not isinstance(net, Architecture):
            return self
        hidden = self.projection.between(net.dims[-1])
        return replace(self, projection=replace(self.projection, hidden=hidden))


def check_company(optim: Optim, run: Run) -> None:
    """Refuses micro-batches of one image, where one process is known to be on its own."""
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
