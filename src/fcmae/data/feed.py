"""Batches for training and for evaluation, in an order that any run can take up again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from numbers import Integral
from typing import Any

from fcmae.data.augment import Pretraining, View
from fcmae.data.batch import Batch
from fcmae.data.cores import num_workers
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.order import evaluation_batches_of, micro_batches, steps_per_epoch
from fcmae.data.plane_store import each_plane
from fcmae.data.samples import Samples
from fcmae.data.scene import SceneView
from fcmae.data.source import ImageSource
from fcmae.data.unusable import Unusable
from fcmae.data.workers import load
from fcmae.errors import DataError
from fcmae.options.group import options_from

ANY_SIZE = (2048, 2048)
"""What is set aside for an image whose size is not known yet."""


class Feed:
    """Endless training batches over a list of images.

    An epoch shows every image ``repeats`` times; what does not fill the last batch is dropped, and
    is something else in every epoch. Order, views and replacements are functions of
    (seed, epoch, index), so a feed may start at any step and has nothing to save.

    Args:
        images: A list of images, or any source of them: a path, an array ``n h w c``, a list, a
            data set, ``ImageData``. Batches have labels where every image has one.
        view: What makes tensors of pictures (and of their labels); or the side, or height and
            width, of random crops that are mirrored half of the time.
        seed: Seeds order, crops and replacements.
        loader: How images are read and normalised: a dataclass or a mapping.
        channels: Of the tensors; pictures are converted.
        repeats: How often an epoch shows each image.

    Attributes:
        images: The list.
        view: What makes the tensors.
        unusable: The files that had to be replaced so far.

    Raises:
        DataError: There are no images, or none that could be listed.
        ValueError: The view, or an option of the loader, is none.
    """

    def __init__(
        self,
        images: ImageList | ImageSource,
        view: View | SceneView | int | tuple[int, int],
        *,
        seed: int = 0,
        loader: Loader | Mapping[str, Any] | None = None,
        channels: int = 3,
        repeats: int = 1,
    ) -> None:
        if repeats < 1:
            raise ValueError(f"repeats is {repeats}, but an image is shown at least once an epoch.")
        loader = options_from(Loader, loader, "loader")
        if not isinstance(images, ImageList):
            images = each_plane(find_images(images, loader=loader), loader)
        view = view if isinstance(view, View | SceneView) else Pretraining(_sides(view))
        self.images, self.view, self.repeats = images, view, repeats
        self.seed, self.loader, self.channels = seed, loader, channels
        self.unusable = Unusable(len(images), loader)
        self._samples = Samples(
            images,
            view,
            seed=seed,
            loader=loader,
            channels=channels,
            replacing=True,
            repeats=repeats,
        )

    @property
    def num_images(self) -> int:
        """Number of images, each counted once."""
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the data set does."""
        return self.images.fingerprint()

    def steps_per_epoch(self, batch_size: int) -> int:
        """Number of full batches in an epoch; a ``DataError`` if there is none."""
        return steps_per_epoch(self.num_images, self.repeats, batch_size)

    def batches(
        self,
        *,
        first_step: int,
        last_step: int,
        batch_size: int,
        micro_batch: int,
        rank: int = 0,
        world: int = 1,
        pin_memory: bool = False,
    ) -> Iterator[Batch]:
        """Micro-batches of this process from ``first_step`` up to, but without, ``last_step``.

        Args:
            first_step: Counted from the start of the run.
            last_step: The first step that is not wanted.
            batch_size: Images of one step over all processes.
            micro_batch: Most images of one batch here; a step comes in as many as it takes.
            rank: Which process this is.
            world: How many processes share the work.
            pin_memory: Whether the tensors go to page-locked memory, for a GPU.
        """
        keys = micro_batches(
            seed=self.seed,
            num_images=self.num_images,
            repeats=self.repeats,
            first_step=first_step,
            last_step=last_step,
            batch_size=batch_size,
            micro_batch=micro_batch,
            rank=rank,
            world=world,
        )
        size = min(micro_batch, batch_size // world)
        for batch in load(
            self._samples,
            keys,
            loader=self.loader,
            workers=num_workers(self.loader, world=world),
            batch_bytes=batch_bytes(self.view, self.channels, size) * world,
            pin_memory=pin_memory,
        ):
            self.unusable.add(batch.unusable)
            yield batch


def evaluation_batches(
    images: ImageList,
    view: View | SceneView,
    *,
    loader: Loader,
    channels: int,
    batch_size: int,
    rank: int = 0,
    world: int = 1,
    or_none: bool = False,
) -> Iterator[Batch]:
    """Every image exactly once over all processes; unusable files are left out and reported.

    No batch is empty: what an empty one would report comes with a neighbour. Only the share of one
    of several processes may be a single empty one, where none of its files can be used; and that of
    all, if ``or_none`` says that this is no error.
    """
    keys = list(
        evaluation_batches_of(num_images=len(images), batch_size=batch_size, rank=rank, world=world)
    )
    samples = Samples(images, view, seed=0, loader=loader, channels=channels, replacing=False)
    workers = num_workers(loader, world=world, num_tasks=len(keys))
    size = batch_bytes(view, channels, batch_size) * world
    held: Batch | None = None
    for batch in load(samples, keys, loader=loader, workers=workers, batch_bytes=size):
        if held is None or len(held) == 0:
            before = [] if held is None else held.unusable
            held = replace(batch, unusable=before + batch.unusable)
        elif len(batch) == 0:
            held = replace(held, unusable=held.unusable + batch.unusable)
        else:
            yield held
            held = batch
    # Of several processes, the others may have images that can be used.
    if held is not None and len(held) == 0 and world == 1 and not or_none:
        some = "; ".join(f"{path}: {reason}" for path, reason in held.unusable[:3])
        raise DataError(
            f"none of the {len(held.unusable)} images of {images.store.called} can be used "
            f"({some}). `fcmae check` lists all of them."
        )
    if held is not None:
        yield held


def batch_bytes(view: View | SceneView, channels: int, num_images: int) -> int:
    """Memory of a batch in float32; of images in their own size, that of large ones."""
    height, width = view.size or ANY_SIZE
    return 4 * channels * height * width * num_images


def _sides(size: Any) -> tuple[int, int]:
    """Height and width of a view, of one number or two."""
    two = (size, size) if isinstance(size, Integral) else size
    several = isinstance(two, (tuple, list)) and len(two) == 2
    if not (several and all(isinstance(x, Integral) for x in two)):
        raise ValueError(
            f"view is {size!r}, but must be a side in pixels, height and width, or a view of "
            "fcmae.data.augment."
        )
    height, width = map(int, two)
    if height < 1 or width < 1:
        raise ValueError(f"view is {size}, but height and width must be at least one pixel.")
    return height, width
