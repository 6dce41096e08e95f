"""The start of a training: its net and images, known before PyTorch is imported."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.plane_store import each_plane
from fcmae.data.training_images import TrainingImages, at_hand
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.model.net_options import NetArchitecture
from fcmae.model.options import Architecture
from fcmae.model.timm_options import TimmArchitecture
from fcmae.setup.weights import ModelKind, Weights

Net = Architecture | TimmArchitecture


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of a training.

    Attributes:
        train: Images to train on; a stream is for trainings without labels.
        val: Images to validate on; None for trainings without labels.
        labelled: Images to train and to test nearest neighbours on, where a monitor has any.
        repeats: Views of an image per epoch; None for trainings without this option.
        tiled: Whether the images to validate on are read through windows, and have any size.
        decided: Values that the data decide for options left out, by dotted name.
    """

    train: TrainingImages
    val: ImageList | None = None
    labelled: tuple[ImageList, ImageList] | None = None
    repeats: int | None = None
    tiled: bool = False
    decided: Mapping[str, Any] = field(default_factory=dict)

    def at_hand(self, number: int) -> ImageList:
        """Images to train on that can be asked for by number; of a stream, so many."""
        return at_hand(self.train, number)

    def by_plane(self, loader: Loader) -> "Images":
        """The same with an entry for each plane of a file, where the loader is to read them so."""
        if loader.planes != "each":
            return self
        return replace(
            self,
            train=each_plane(self.train, loader),
            val=each_plane(self.val, loader),
            labelled=self.labelled
            and (each_plane(self.labelled[0], loader), each_plane(self.labelled[1], loader)),
        )

    @property
    def labels(self) -> ImageList:
        """The images to train on, of a training with labels."""
        assert isinstance(self.train, ImageList)
        return self.train

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes to learn, or of the values; none where there are no labels."""
        return (self.train.classes or ()) if isinstance(self.train, ImageList) else ()

    @property
    def validation(self) -> ImageList:
        """The images to validate on, of a training that has some."""
        assert self.val is not None
        return self.val


@dataclass(frozen=True, kw_only=True)
class Start:
    """Everything that decides the values of options that were left out.

    Attributes:
        net: The encoder that is trained: one of ours, a net of timm, or a module of the user's.
        weights: The weights that it starts from; None from scratch.
        data: Values that the data decide, by dotted name.
    """

    net: Net | NetArchitecture
    weights: Weights | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Prepared(Start):
    """A start whose options, weights and images have been checked against each other.

    Attributes:
        images: The images.
        loader: How they are read, with the normalisation of the weights.
        reporter: Shows messages to a person.
    """

    images: Images
    loader: Loader
    reporter: Reporter

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.net.channels

    @property
    def backbone(self) -> Net:
        """The encoder of a model that has no module of the user's."""
        assert not isinstance(self.net, NetArchitecture)
        return self.net

    @property
    def architecture(self) -> Architecture:
        """The encoder's architecture, for models that only an encoder of ours can have.

        Raises:
            CheckpointError: The encoder is a net of timm.
        """
        if not isinstance(self.net, Architecture):
            raise CheckpointError(f"this training needs an encoder of ours, but {self.net} is not.")
        return self.net

    def has_weights_of(self, kind: ModelKind, classes: Collection[str]) -> bool:
        """Returns whether the weights are of a model of a kind for these classes, in this order.

        Where they do not name their classes, it must be as many.
        """
        if self.weights is None or self.weights.kind != kind:
            return False
        if self.weights.classes is None:
            return bool(self.weights.description["num_classes"] == len(classes))
        return self.weights.classes == list(classes)
