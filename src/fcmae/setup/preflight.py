"""Checks options against data before PyTorch is imported, each error in one line."""

from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore, ImageStore
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource, described
from fcmae.data.tiles import Window
from fcmae.errors import DataError
from fcmae.flags import option
from fcmae.setup.words import number as count

TRIED = 64
"""Images that are opened to see whether any can be used, from the first to the last."""


def check_channels(loader: Loader, channels: int) -> None:
    """Refuse a mean of so many channels that neither the images nor colour have."""
    if len(loader.mean) not in (channels, 3):
        raise ValueError(
            f"loader.mean and loader.std have {len(loader.mean)} values, but encoder.channels is "
            f"{channels}: give one value per channel."
        )


def check_pictures(
    images: ImageList,
    *,
    loader: Loader,
    channels: int,
    tiled: bool = False,
    by_weights: bool = False,
) -> None:
    """Refuse images of which none that is tried can be used, as with a wrong channel count.

    Args:
        images: The images, with labels or without.
        loader: Limits for images that are read whole.
        channels: What the model takes.
        tiled: Images are looked at through windows, so that they may have any size.
        by_weights: Weights decide how many channels there are, and no option does.
    """
    reason, of_labels = "", False
    tried = sorted({i * len(images) // TRIED for i in range(TRIED)})
    for index in tried:
        try:
            of_labels = False
            size = _size(images.store, index, loader, channels, tiled=tiled)
            if images.annotations is None:
                return
            of_labels = True
            images.annotations.read(index, size)
            return
        except UnusableImage as error:
            reason = f"{images.name(index)}: {error.reason}"
    is_of_channels = not of_labels and "channel" in reason
    hint = _other_channels(channels, by_weights=by_weights) if is_of_channels else ""
    number = count(len(images), "image")
    if len(tried) < len(images):
        number = f"{len(tried)} images that were tried, of {number}"
    is_files = isinstance(images.store, FileStore)
    check = "`fcmae check` names every unusable file." if is_files else ""
    advice = f"{hint}{check}" if check else hint.replace("; ", ".")
    raise DataError(f"no image can be used ({number}), such as {reason}. {advice}".rstrip())


def _other_channels(channels: int, *, by_weights: bool) -> str:
    """What to do about images of other channels."""
    if not by_weights:
        return f"{option('encoder.channels')} says how many channels the model takes; "
    return (
        f"The weights were made for {count(channels, 'channel')}: {option('adapt')} of `fcmae "
        "finetune` and `fcmae pretrain` makes some for others of them, and load(..., channels=..., "
        "adapt=...) does in Python; "
    )


def _size(
    store: ImageStore, index: int, loader: Loader, channels: int, *, tiled: bool
) -> tuple[int, int]:
    """Height and width of an image, which is decoded as far as it will be."""
    if tiled:
        with store.open_regions(index, channels=channels, how=loader.reading) as regions:
            regions.read(Window(top=0, left=0, height=1, width=1))
            return regions.size
    picture = store.open(index, channels=channels, how=loader.reading)
    return picture.shape[0], picture.shape[1]


def check_batch(
    num_images: int, *, batch_size: int, data: ImageSource, repeats: int | None = None
) -> None:
    """Refuse a batch that an epoch cannot fill; ``repeats`` is None where it is no option."""
    most = num_images * (repeats or 1)
    if most < batch_size:
        times = f" times {repeats} repeats" if repeats and repeats > 1 else ""
        raise DataError(
            f"optim.batch_size is {batch_size}, but {described(data)} has {num_images} "
            f"images{times}: lower it to at most {most}{', or raise repeats' if repeats else ''}."
        )


def check_at_least_one(**values: int) -> None:
    """Refuse numbers below 1 of what there must be some of."""
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} is {value}, but must be at least 1.")


def check_labelled(val_share: float, labels_per_class: int | None, seed: int) -> None:
    """Refuse values of these options that no data could go with."""
    if not 0 < val_share < 1:
        raise ValueError(f"val_share is {val_share}, but must lie strictly between 0 and 1.")
    if labels_per_class is not None and labels_per_class < 1:
        raise ValueError(f"labels_per_class is {labels_per_class}, but must be at least 1.")
    if seed < 0:
        raise ValueError(f"seed is {seed}, but must be 0 or more.")
