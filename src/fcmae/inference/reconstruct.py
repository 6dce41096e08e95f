"""``fcmae reconstruct``: see what a pre-trained model makes of hidden patches."""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from fcmae.checkpoint.options import Source
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size, sides, size_or
from fcmae.setup.places import check_place
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import find_all
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class Reconstruct:
    """Draw images, what the encoder sees of them, and what the model reconstructs."""

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

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

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    seed: int = 0
    """Draws images and masks."""

    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()

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
    """What was drawn.

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
    """Check what the weights and the images say, then draw."""
    weights = read_weights(
        options.weights, kind="autoencoder", fetch=options.source, reporter=reporter
    )
    mask = Mask(**weights.description["mask"])
    if options.ratio is not None:
        mask = replace(mask, ratio=options.ratio)
    size = sides(size_or(options.size, weights.size))
    patch_grid(*size, patch_side(mask, weights.architecture.stride))
    loader_of(weights, options.loader)
    images = find_all(options.data)
    check_pictures(
        images, loader=options.loader, channels=weights.architecture.channels, by_weights=True
    )
    check_place(options.out, options.data)
    with hold(options.out):
        return _draw(options, weights, images, mask, reporter)


def _draw(
    options: Reconstruct,
    weights: Weights,
    images: ImageList,
    mask: Mask,
    reporter: Reporter,
) -> Reconstructed:
    from fcmae.checkpoint.weights import load_model
    from fcmae.evaluation.viewing import Viewing, sample
    from fcmae.files.together import begin, end
    from fcmae.inference.models import launch
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.tasks.evaluations.reconstructions import draw_reconstructions

    model, _ = load_model(weights.header)
    assert isinstance(model, Autoencoder)
    model.mask = mask
    peers = launch(options.run, model)
    viewing = Viewing(
        size=sides(size_or(options.size, weights.size)),
        loader=loader_of(weights, options.loader),
        channels=weights.architecture.channels,
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
