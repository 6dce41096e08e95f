"""Opens what every use of trained weights needs, and checks it before PyTorch is imported."""

from collections.abc import Callable
from dataclasses import dataclass

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.plane_store import each_plane
from fcmae.data.source import named_paths
from fcmae.engine.lock import probe
from fcmae.engine.report import Reporter
from fcmae.files.results import check_table
from fcmae.inference.options import EvaluateOptions, PredictOptions
from fcmae.options.size import Size, sides, size_or
from fcmae.setup.nets import size_for
from fcmae.setup.places import check_apart, check_no_run
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import find_all
from fcmae.setup.statistics import tell_unlike
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A trained model, as far as it is known without PyTorch.

    Attributes:
        weights: Its weights file, and what that says.
        size: Height and width of the images to show it.
        loader: Reading of files, with the normalisation of the weights.
        reporter: Told of images that are unlike those of the weights.
    """

    weights: Weights
    size: tuple[int, int]
    loader: Loader
    reporter: Reporter

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.weights.net.channels

    def check(self, images: ImageList, *, tiled: bool = False) -> ImageList:
        """Returns the images, or their planes, once one of them is known to fit the model.

        Args:
            images: The images, with labels or without.
            tiled: They are looked at through windows, so that they may have any size.

        Raises:
            DataError: None of those that are tried can be used.
        """
        images = each_plane(images, self.loader)
        check_pictures(
            images, loader=self.loader, channels=self.channels, tiled=tiled, by_weights=True
        )
        if not tiled:
            tell_unlike(self.loader, images, channels=self.channels, reporter=self.reporter)
        return images


def any_sides(size: Size | None, weights: Weights) -> tuple[int, int]:
    """Height and width for models that pad images to the stride of their encoder."""
    return sides(size_or(size, weights.size))


def open_weights(
    options: EvaluateOptions | PredictOptions,
    reporter: Reporter,
    *,
    kind: str | None = None,
    fit: Callable[[Size | None, Weights], tuple[int, int]] = size_for,
) -> TrainedModel:
    """Finds or fetches the weights, and resolves the options that they decide.

    Args:
        options: Those of the command.
        reporter: Told of a licence.
        kind: Kind of model that is needed; None for any.
        fit: Makes height and width of ``size`` and the weights.

    Raises:
        CheckpointError: There are no such weights, or they are of another kind.
        ValueError: The weights contradict ``size`` or the normalisation in ``loader``.
    """
    weights = read_weights(options.weights, kind=kind, fetch=options.source, reporter=reporter)
    size = fit(options.size, weights)
    loader = loader_of(weights, options.loader)
    return TrainedModel(weights=weights, size=size, loader=loader, reporter=reporter)


def open_for_table(
    options: PredictOptions, reporter: Reporter, *, kind: str | None = None
) -> tuple[TrainedModel, ImageList]:
    """Returns the model and the images of a prediction that ends in one table at ``out``.

    Raises:
        CheckpointError: There are no such weights, or they are of another kind.
        DataError: There is no image that can be used.
        StorageError: The table cannot be written there, or would replace a file of others.
    """
    check_table(options.out, sources=[*named_paths(options.data), options.weights])
    trained = open_weights(options, reporter, kind=kind)
    images = trained.check(find_all(options.data))
    probe(options.out.parent)
    return trained, images


def find_for_folder(options: PredictOptions) -> ImageList:
    """Returns the images of a prediction that writes into a folder, which must be apart from them.

    Raises:
        DataError: The folder lies where images are searched for.
        StorageError: It holds a run.
    """
    check_no_run(options.out)
    images = find_all(options.data)
    check_apart(options.data, images, options.out)
    return each_plane(images, options.loader)
