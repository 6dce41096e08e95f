"""Pre-training by reconstruction (FCMAE): options and model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from fcmae.data.options import Crop
from fcmae.engine.report import Reporter
from fcmae.flags import option
from fcmae.loss.options import Target
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.grn_options import Grn
from fcmae.model.net_options import NetArchitecture
from fcmae.model.options import Architecture, DecoderOptions, EncoderOptions
from fcmae.optim.options import Optim
from fcmae.options.size import Size, sides
from fcmae.setup.nets import at_size, check_model, stride_of
from fcmae.setup.preflight import check_at_least_one
from fcmae.setup.weights import Weights
from fcmae.training.net_source import NetSource, is_module
from fcmae.training.start import Images, Net, Prepared
from fcmae.training.unlabelled import UnlabelledOptions, Watch

if TYPE_CHECKING:
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.model.net_encoder import NetEncoder
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

    model: NetSource | None = None  # type: ignore[assignment]  # wider than other trainings take
    """Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME for a ConvNet
    of timm; by default that of the weights, or atto."""

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
        if isinstance(self.model, str):
            check_model(self.model)
        elif is_module(self.model):
            self._check_own()
        super().__post_init__()

    def choose_net(self, weights: Weights | None) -> Net | NetArchitecture:
        """Returns the net that is asked for; a module of the user's is checked like a net of timm.

        Raises:
            CheckpointError: The weights are of another net.
            ValueError: Options do not fit each other or the net, or it cannot be masked.
        """
        if not is_module(self.model):
            return super().choose_net(weights)
        from fcmae.model.net_autoencoder import check_options

        check_options(self.mask, self.decoder, checkpointing=self.encoder.checkpointing)
        self._check_not_compiled()
        encoder = self._own_encoder()
        encoder.check_masked(sides(self.size), self.mask)
        return encoder.architecture

    def _check_not_compiled(self) -> None:
        """Refuses compilation of nets whose functions are replaced while they compute."""
        if self.run.compile:
            raise ValueError(
                f"{option('run.compile', 'true')} is for encoders of ours: another net is masked "
                "function by function, which PyTorch does not compile. Leave it out."
            )

    def _check_own(self) -> None:
        """Refuses options that change the encoder, where that is a module of the user's."""
        fixed = EncoderOptions(channels=self.encoder.channels)
        given = {
            "weights": self.weights is not None,
            "adapt": self.adapt is not None,
            "grn": self.grn != Grn(),
            "encoder": replace(self.encoder, checkpointing=False) != fixed,
        }
        if wrong := [name for name, is_given in given.items() if is_given]:
            raise ValueError(
                f"{' and '.join(wrong)} would change the encoder, but model is a net of your own, "
                "which is trained as it is: leave them out."
            )

    def _own_encoder(self) -> "NetEncoder":
        """The user's module as an encoder."""
        from fcmae.model.net_encoder import NetEncoder

        assert is_module(self.model)
        return NetEncoder(self.model, channels=self.encoder.num_channels, size=sides(self.size))

    def net_for_size(self, net: Net) -> Net:
        """Checks that images can be cut into patches, and that the net can be masked."""
        size = sides(self.size)
        if isinstance(net, Architecture):
            patch_grid(*size, patch_side(self.mask, net.stride))
            return net
        from fcmae.model.net_autoencoder import check_options
        from fcmae.model.timm_net import check_masked

        check_options(self.mask, self.decoder, checkpointing=self.encoder.checkpointing)
        self._check_not_compiled()
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
        from fcmae.training.init_weights import freeze_unused, init_weights

        self.target.groups_of(start.channels)  # refuses sizes of another number of channels
        parts: dict[str, Any] = {
            "decoder": self.decoder,
            "mask": self.mask,
            "target": self.target,
            "drop_path": self.encoder.drop_path,
            "checkpointing": self.encoder.checkpointing,
        }
        if isinstance(start.net, Architecture):
            return init_weights(Autoencoder(start.net, **parts), self, start)
        net = self._own_encoder() if isinstance(start.net, NetArchitecture) else start.net
        model = init_weights(NetAutoencoder(net, **parts), self, start)
        freeze_unused(model.encoder, type(model.encoder).last_map, start)
        return model

    def parts(self, start: Prepared) -> "Parts":
        """Builds an autoencoder, its crops and what watches it."""
        from fcmae.data.augment import Pretraining
        from fcmae.data.feeds import feed_of
        from fcmae.evaluation.viewing import sample
        from fcmae.tasks.evaluations.reconstructions import Reconstructions
        from fcmae.tasks.low_loss import LowLoss
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
        judged = self.target.normalize and start.weights is None
        low_loss = LowLoss(loader=start.loader) if judged else None
        number = self.monitor.pictures
        drawn = sample(images.at_hand(number), number, seed)
        pictures = Reconstructions(drawn, self.viewing(start), every=self.monitor.every, seed=seed)
        return Parts(
            task=ReconstructTask(model, seed=seed, low_loss=low_loss),
            feed=feed,
            evaluations=[pictures, *self.monitors(start)],
        )

    def decided(self, net: Net | None, data: Mapping[str, Any]) -> "Pretrain":
        """Returns the options with the side of a patch."""
        if net is None:
            return self
        return replace(self, mask=replace(self.mask, patch=patch_side(self.mask, stride_of(net))))
