"""The options that all trainings share, and the parts that each training adds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.model.grn_options import Grn
from fcmae.model.net_options import NetArchitecture
from fcmae.model.options import EncoderOptions
from fcmae.optim.options import Optim
from fcmae.options.size import Size, sides
from fcmae.setup.nets import architecture_of, net_at, net_of
from fcmae.setup.weights import Weights
from fcmae.training.result import Done
from fcmae.training.start import Images, Net, Prepared

if TYPE_CHECKING:
    from fcmae.training.parts import Parts

Result = TypeVar("Result")
Own = TypeVar("Own", bound="TrainingOptions[Any]")


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(ABC, Generic[Result]):
    """Options of a training. A task adds its own fields and the methods below.

    ``fcmae.training.train`` calls them in the order in which they stand here.

    Attributes:
        command: The words of the command, such as ``finetune segment``; a run records them.
        timm_nets: Whether ``model`` may name a net of timm.
    """

    command: ClassVar[str]
    timm_nets: ClassVar[bool] = False

    data: ImageSource
    """Images to train on."""

    out: Path
    """Folder of the run: checkpoints, metrics, pictures, and the weights when it is done."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder, and other
    parts where they fit, to start from; left out: from scratch."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: str | None = None
    """Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME for a net of
    timm; by default that of the weights, or atto."""

    size: Size = 224
    """Side in pixels of the images to train on, or height,width: multiples of the stride."""

    encoder: EncoderOptions = EncoderOptions()
    grn: Grn = Grn()
    optim: Optim = Optim()
    source: Source = Source()
    loader: Loader = Loader()
    run: Run = Run()

    @property
    def weights_size(self) -> tuple[int, int]:
        """Height and width of the images that the weights are for."""
        return sides(self.size)

    def choose_net(self, weights: Weights | None) -> Net | NetArchitecture:
        """Returns the net that options and weights ask for, checked for images of the chosen size.

        Raises:
            CheckpointError: The weights are of another net.
            ValueError: Options do not fit each other or the net.
        """
        choose = net_of if self.timm_nets else architecture_of
        adapt = self.adapt is not None
        net = choose(self.model, self.encoder, weights, adapt=adapt, grn=self.grn)
        return self.net_for_size(net)

    def net_for_size(self, net: Net) -> Net:
        """Returns the net for images of the chosen size.

        Raises:
            ValueError: It does not take them.
        """
        return net_at(self.size, net)[1]

    @abstractmethod
    def find(self, reporter: Reporter) -> Images:
        """Finds the images.

        Raises:
            DataError: There are none, or their labels are wrong.
        """

    @abstractmethod
    def parts(self, start: Prepared) -> "Parts":
        """Builds the model, drawn by the run's seed, and what trains and evaluates it."""

    def decided(self: Own, net: Net | None, data: Mapping[str, Any]) -> Own:
        """Returns the options with values for those of the task that were left out.

        Args:
            net: The encoder, where it is known.
            data: Values that the data decide, by dotted name; none where they are not known.
        """
        return self

    @abstractmethod
    def result(self, done: Done) -> Result:
        """Reads what the run has come to."""
