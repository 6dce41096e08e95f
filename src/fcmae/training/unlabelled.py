"""Options that both pre-trainings share: images without labels, a monitor, and the result."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fcmae.data.listing import split
from fcmae.data.source import ImageSource
from fcmae.data.training_images import find_training_images
from fcmae.engine.report import Reporter
from fcmae.model.options import Architecture, architecture
from fcmae.model.timm_options import is_of_timm
from fcmae.options.size import sides
from fcmae.setup.preflight import check_channels
from fcmae.training.net_source import is_module
from fcmae.training.options import TrainingOptions
from fcmae.training.result import Done, Trained
from fcmae.training.start import Images, Prepared

if TYPE_CHECKING:
    from fcmae.evaluation.viewing import Viewing
    from fcmae.task import Evaluation


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Looks at the model while it trains, to tell whether the run is any good."""

    every: int = 20
    """Epochs between two looks: how different the channels of each block are (figure 4 of the
    paper). The last epoch is always looked at."""

    images: int = 256
    """Training images over which the difference of channels is averaged."""

    labelled: ImageSource | None = None
    """Class folders (or train and val folders of them, or a .csv) for the accuracy of nearest
    neighbours on the features so far. Their labels are never trained on."""

    def __post_init__(self) -> None:
        for name in ("every", "images"):
            if getattr(self, name) < 1:
                raise ValueError(f"monitor.{name} is {getattr(self, name)}, but must be 1 or more.")


@dataclass(frozen=True, kw_only=True)
class Pretrained(Trained):
    """The result of a pre-training.

    Attributes:
        pictures: Folder of the pictures.
        images: Images trained on.
    """

    pictures: Path
    images: int


@dataclass(frozen=True, kw_only=True)
class UnlabelledOptions(TrainingOptions[Pretrained]):
    """Options of trainings that need no labels."""

    data: ImageSource
    """Folder of images, read recursively, a .txt or .csv list, or a ZIP."""

    monitor: Watch = Watch()

    def __post_init__(self) -> None:
        if self.weights is not None:
            return
        if not (is_module(self.model) or is_of_timm(self.model)):
            self.net_for_size(architecture(self.model or "atto", stem=self.encoder.stem))
        check_channels(self.loader, self.encoder.num_channels)

    def find(self, reporter: Reporter) -> Images:
        """Finds the images, and the labelled ones of the monitor."""
        labelled = self.monitor.labelled
        return Images(
            train=find_training_images(self.data),
            labelled=None if labelled is None else split(labelled, loader=self.loader),
        )

    def viewing(self, start: Prepared) -> "Viewing":
        """Returns how the monitor reads images."""
        from fcmae.evaluation.viewing import Viewing

        return Viewing(
            size=sides(self.size), loader=start.loader, channels=start.channels, batch_size=64
        )

    def monitors(self, start: Prepared) -> "list[Evaluation]":
        """Makes what watches the features of either pre-training."""
        from fcmae.evaluation.viewing import sample
        from fcmae.tasks.evaluations.feature_distance import FeatureDistance
        from fcmae.tasks.evaluations.neighbours import Neighbours

        every, images, viewing = self.monitor.every, start.images, self.viewing(start)
        number = self.monitor.images
        averaged = sample(images.at_hand(number), number, self.run.seed)
        found: list[Evaluation] = []
        if isinstance(start.net, Architecture):  # the blocks of other nets expand no features
            found.append(FeatureDistance(averaged, viewing, every=every))
        if images.labelled is not None:
            found.append(Neighbours(*images.labelled, viewing, every=every))
        return found

    def result(self, done: Done) -> Pretrained:
        """Reads what the run has come to."""
        return Pretrained(
            **done.trained(), pictures=done.folder.pictures, images=len(done.images.train)
        )
