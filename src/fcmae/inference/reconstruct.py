"""Reconstructs the hidden patches of images by a pre-trained model, in pictures."""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files
from fcmae.inference.options import PredictOptions
from fcmae.inference.prologue import TrainedModel, any_sides, open_weights
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.notebook import Result
from fcmae.setup.nets import stride_of
from fcmae.setup.places import check_place
from fcmae.setup.sources import find_all


@dataclass(frozen=True, kw_only=True)
class Reconstruct(PredictOptions):
    """Draw images, what the encoder sees of them, and what the model reconstructs."""

    weights: str
    """Folder of a run of fcmae pretrain, or file of weights with a decoder."""

    out: Path
    """Folder for the pictures."""

    images: int = 16
    """Images to draw at most, taken at random by the seed."""

    rows: int = 8
    """Images per picture."""

    ratio: float | None = None
    """Share of patches hidden; by default that of the pre-training."""

    seed: int = 0
    """Draws images and masks."""

    def __post_init__(self) -> None:
        for name in ("images", "rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1.")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, but must be 0 or more.")
        if self.ratio is not None and not 0 < self.ratio < 1:
            raise ValueError(f"ratio is {self.ratio}, but must lie strictly between 0 and 1.")


@dataclass(frozen=True, kw_only=True)
class Reconstructed(Result):
    """Pictures of reconstructions.

    Attributes:
        pictures: The files, one row per image.
        images: Images drawn.
        loss: Mean squared error on hidden patches, as in pre-training.
        unusable: Files left out, with the reason.
    """

    pictures: list[Path]
    images: int
    loss: float
    unusable: list[dict[str, str]] = field(default_factory=list)


def reconstruct(options: Reconstruct, reporter: Reporter) -> Reconstructed:
    """Hides patches of images, reconstructs them, and draws the result.

    Raises:
        CheckpointError: There are no such weights, or they are of no autoencoder.
        DataError: There is no image that can be used.
        StorageError: The folder cannot be written, or files of others are in the way.
    """
    trained = open_weights(options, reporter, kind="autoencoder", fit=any_sides)
    mask = Mask(**trained.weights.description["mask"])
    if options.ratio is not None:
        mask = replace(mask, ratio=options.ratio)
    patch_grid(*trained.size, patch_side(mask, stride_of(trained.weights.net)))
    images = trained.check(find_all(options.data))
    check_place(options.out, options.data)
    with hold(options.out):
        return _draw(options, trained, images, mask, reporter)


def _draw(
    options: Reconstruct, trained: TrainedModel, images: ImageList, mask: Mask, reporter: Reporter
) -> Reconstructed:
    from fcmae.checkpoint.weights import load_model
    from fcmae.evaluation.viewing import Viewing, sample
    from fcmae.files.together import begin, end
    from fcmae.inference.models import launch
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.tasks.evaluations.reconstructions import draw_reconstructions

    model, _ = load_model(trained.weights.header)
    assert isinstance(model, Autoencoder)
    model.mask = mask
    peers = launch(options.run, model)
    viewing = Viewing(
        size=trained.size,
        loader=trained.loader,
        channels=trained.channels,
        batch_size=options.rows,
    )
    chosen = sample(images, options.images, options.seed)
    names = [f"reconstructions-{i + 1:03}.png" for i in range(-(-len(chosen) // options.rows))]
    journal = begin(options.out, names, peers, "reconstructions")
    pictures: list[Path] = []
    losses: list[float] = []
    unusable: list[tuple[str, str]] = []
    found = reporter.track(viewing.batches(chosen), "reconstructing", len(chosen))
    for name, batch in zip(names, found, strict=False):  # fewer, where files cannot be used
        pictures.append(options.out / name)
        with journal.writing(name) if peers.leads else nullcontext(pictures[-1]) as path:
            loss = draw_reconstructions(
                model, viewing, [batch], path, peers=peers, seed=options.seed
            )
        losses += [loss] * len(batch)
        unusable += batch.unusable
    end(journal, peers)
    return Reconstructed(
        pictures=pictures,
        images=len(losses),
        loss=sum(losses) / len(losses),
        unusable=unusable_files(unusable),
    )
