"""Pre-training by reconstruction (FCMAE): options and model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from fcmae.data.options import Crop
from fcmae.engine.report import Reporter
from fcmae.loss.options import Target
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.optim.options import Optim
from fcmae.options.size import Size, sides
from fcmae.setup.nets import at_size, check_model, stride_of
from fcmae.setup.preflight import check_at_least_one
from fcmae.training.start import Images, Net, Prepared
from fcmae.training.unlabelled import UnlabelledOptions, Watch

if TYPE_CHECKING:
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.training.parts import Parts


@dataclass(frozen=True, kw_only=True)
class Monitor(Watch):
    """Looks at the model while it trains, to tell whether the run is any good."""

    every: int = 20
    """Epochs between two looks: reconstructions of a few images, and how different the channels of
    each block are (figure 4 of the paper). The last epoch is always looked at."""

    pictures: int = 8
    """Images to reconstruct."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pictures < 1:
            raise ValueError(f"monitor.pictures is {self.pictures}, but must be 1 or more.")


@dataclass(frozen=True, kw_only=True)
class Pretrain(UnlabelledOptions):
    """Pre-train an encoder by reconstructing hidden patches of images (FCMAE).

    No labels are needed. A run that was stopped goes on where it was when the same command is
    given again.
    """

    command: ClassVar[str] = "pretrain"
    timm_nets: ClassVar[bool] = True

    size: Size = 224
    """Side in pixels of the crops to train on, or height,width: multiples of the mask's patch."""

    repeats: int = 1
    """Crops that are cut from an image each time it is decoded. An epoch shows each image that
    often, so its number of steps grows with it."""

    mask: Mask = Mask()
    target: Target = Target()
    decoder: DecoderOptions = DecoderOptions()
    augment: Crop = Crop()
    optim: Optim = Optim(batch_size=256)
    monitor: Monitor = Monitor()

    def __post_init__(self) -> None:
        check_at_least_one(repeats=self.repeats)
        check_model(self.model)
        super().__post_init__()

    def net_for_size(self, net: Net) -> Net:
        """Checks that images can be cut into patches, and that the net can be masked."""
        size = sides(self.size)
        if isinstance(net, Architecture):
            patch_grid(*size, patch_side(self.mask, net.stride))
            return net
        from fcmae.model.net_autoencoder import check_options
        from fcmae.model.timm_net import check_masked

        check_options(self.mask, self.decoder, checkpointing=self.encoder.checkpointing)
        net = at_size(net, size)
        check_masked(net, size, self.mask)
        return net

    def find(self, reporter: Reporter) -> Images:
        """Finds the images, and the labelled ones of the monitor."""
        return replace(super().find(reporter), repeats=self.repeats)

    def build(self, start: Prepared) -> "Autoencoder":
        """Builds an autoencoder around an encoder of ours or a net of timm."""
        from fcmae.model.autoencoder import Autoencoder
        from fcmae.model.net_autoencoder import NetAutoencoder
        from fcmae.model.timm_net import TimmEncoder
        from fcmae.training.init_weights import freeze_unused, init_weights

        parts: dict[str, Any] = {
            "decoder": self.decoder,
            "mask": self.mask,
            "target": self.target,
            "drop_path": self.encoder.drop_path,
            "checkpointing": self.encoder.checkpointing,
        }
        if isinstance(start.net, Architecture):
            return init_weights(Autoencoder(start.net, **parts), self, start)
        model = init_weights(NetAutoencoder(start.net, **parts), self, start)
        freeze_unused(model.encoder, TimmEncoder.last_map, start)
        return model

    def parts(self, start: Prepared) -> "Parts":
        """Builds an autoencoder, its crops and what watches it."""
        from fcmae.data.augment import Pretraining
        from fcmae.data.feeds import feed_of
        from fcmae.evaluation.viewing import sample
        from fcmae.tasks.evaluations.reconstructions import Reconstructions
        from fcmae.tasks.reconstruct import ReconstructTask
        from fcmae.training.parts import Parts

        if self.target.normalize:
            start.reporter.message(
                "A loss of about 1.0 is that of predicting the mean colour of each patch."
            )
        model = self.build(start)
        seed, images = self.run.seed, start.images
        feed = feed_of(
            images.train,
            Pretraining(sides(self.size), self.augment),
            seed=seed,
            loader=start.loader,
            channels=start.channels,
            repeats=self.repeats,
        )
        number = self.monitor.pictures
        drawn = sample(images.at_hand(number), number, seed)
        pictures = Reconstructions(drawn, self.viewing(start), every=self.monitor.every, seed=seed)
        return Parts(
            task=ReconstructTask(model, seed=seed),
            feed=feed,
            evaluations=[pictures, *self.monitors(start)],
        )

    def decided(self, net: Net | None, data: Mapping[str, Any]) -> "Pretrain":
        """Returns the options with the side of a patch."""
        if net is None:
            return self
        return replace(self, mask=replace(self.mask, patch=patch_side(self.mask, stride_of(net))))
