"""Options that trainings with labels share: validation, sizes, frozen parts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from fcmae.data.options import Augment
from fcmae.data.source import ImageSource
from fcmae.flags import option
from fcmae.model.options import Architecture
from fcmae.model.timm_options import check_not_frozen
from fcmae.options.size import Size, divisible_sides, sides, size_or
from fcmae.setup.nets import check_model
from fcmae.setup.preflight import check_at_least_one, check_labelled
from fcmae.training.options import Result, TrainingOptions
from fcmae.training.start import Net, Prepared

if TYPE_CHECKING:
    from fcmae.data.feed import Feed
    from fcmae.evaluation.viewing import Viewing


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(TrainingOptions[Result]):
    """Options of trainings that learn from labels and validate on other images."""

    timm_nets: ClassVar[bool] = True

    val: ImageSource | None = None
    """Images and labels to validate on, where the data have no part for it."""

    val_share: float = 0.2
    """Share of the images (of each class) held out to validate on, where there are none for
    that."""

    every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    def __post_init__(self) -> None:
        check_model(self.model)
        check_labelled(self.val_share, None, self.run.seed)
        check_at_least_one(every=self.every)


@dataclass(frozen=True, kw_only=True)
class ImageOptions(FinetuneOptions[Result]):
    """Options of trainings that learn something of each image as a whole."""

    test_size: Size | None = None
    """Side in pixels of the images to validate on; by default the same."""

    freeze: Literal["none", "encoder"] = "none"
    """Parts that stay as they are; encoder trains the linear head alone."""

    head_init_scale: float = 1.0
    """Factor of a new head's first weights; the paper's fine-tuning recipes take 0.001."""

    augment: Augment = Augment()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.head_init_scale > 0:
            raise ValueError(f"head_init_scale is {self.head_init_scale}, but must be above 0.")
        if self.freeze == "encoder" and self.weights is None:
            raise ValueError(
                f"freeze is encoder, but there are no {option('weights')} whose encoder to keep."
            )

    @property
    def weights_size(self) -> tuple[int, int]:
        """Height and width of the images to validate on, which the weights are for."""
        return sides(size_or(self.test_size, self.size))

    def feed(self, start: Prepared) -> "Feed":
        """Returns the augmented images to train on."""
        from fcmae.data.augment import Supervised
        from fcmae.data.feed import Feed

        return Feed(
            start.images.labels,
            Supervised(sides(self.size), self.augment),
            seed=self.run.seed,
            loader=start.loader,
            channels=start.channels,
        )

    def viewing(self, start: Prepared) -> "Viewing":
        """Returns how the validation reads images."""
        from fcmae.evaluation.viewing import Viewing

        return Viewing(
            size=self.weights_size, loader=start.loader, channels=start.channels, batch_size=64
        )


@dataclass(frozen=True, kw_only=True)
class SceneOptions(FinetuneOptions[Result]):
    """Options of trainings that learn what is where in an image."""

    size: Size = 512
    """Side in pixels of the crops to train on, or height,width: multiples of the stride."""

    repeats: int = 1
    """Views that are taken out of an image each time it is decoded. An epoch shows each image that
    often, so its number of steps grows with it; large images give more than one."""

    freeze_stages: int = 0
    """The stem and so many first stages of the encoder stay as they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least_one(repeats=self.repeats)
        if not 0 <= self.freeze_stages <= 4:
            raise ValueError(f"freeze_stages is {self.freeze_stages}, but must be from 0 to 4.")
        if self.freeze_stages and self.weights is None:
            raise ValueError(
                f"freeze_stages is {self.freeze_stages}, but there are no {option('weights')} "
                "whose stages to keep."
            )

    def net_for_size(self, net: Net) -> Net:
        """Checks the size of the crops, and that the net has the maps that the heads look at."""
        if isinstance(net, Architecture):
            return super().net_for_size(net)
        from fcmae.model.timm_body import pyramid_format

        check_not_frozen(net, self.freeze_stages)
        pyramid_format(net)
        divisible_sides(self.size, net.stride)
        return net
