"""Sources of images: paths, and from Python whatever holds or makes images."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeGuard

from fcmae.data.naming import shown
from fcmae.errors import DataError
from fcmae.options.objects import FromPython, is_object

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor
    from torch.utils.data import Dataset

    OneImage: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.generic] | Tensor
    HeldImages: TypeAlias = NDArray[np.generic] | Tensor | Sequence[OneImage] | Dataset[Any]
    FromProgram: TypeAlias = "HeldImages | tuple[HeldImages, Any] | ImageData | ImageStream"
    ImageSource: TypeAlias = str | os.PathLike[str] | FromProgram
    ImageSources: TypeAlias = ImageSource


@dataclass(frozen=True, eq=False)
class ImageData:
    """Images from Python, with what is known about each of them.

    Every entry of ``labels``, ``label_maps``, ``boxes``, ``masks``, ``values`` and ``names``
    belongs to the image at the same place. What is not given is taken from the items of a data set.

    Attributes:
        images: An array ``n h w c`` or ``n h w`` (uint8, uint16, float in [0, 1], bool), a tensor
            ``n c h w`` or ``n h w``, a list of images (arrays, tensors, Pillow images, paths), or a
            map-style ``torch.utils.data.Dataset`` of images or of pairs (image, target).
        labels: For classification the class of each image, by name or number. For detection the
            classes of each image's objects (m).
        classes: Names of the classes, so that number ``k`` is ``classes[k]``, or names by number.
            By default the numbers that occur are names. For values, the names of the columns.
        label_maps: For segmentation: the class of each pixel of each image (``h w``, integers).
        boxes: For detection: left, top, right, bottom in pixels of each image's objects (m 4).
        masks: For detection: the pixels of each image's objects (m h w, bool).
        values: For values: a column for each label or number by name, a matrix (images columns), or
            a vector. NaN where one is not known.
        names: Names of the images in messages and results, each once.
    """

    images: "HeldImages"
    _: KW_ONLY
    labels: Any = None
    classes: Sequence[str] | Mapping[int, str] | None = None
    label_maps: Any = None
    boxes: Any = None
    masks: Any = None
    values: Any = None
    names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        number = len(self)
        for name in ("labels", "label_maps", "boxes", "masks", "names"):
            given = getattr(self, name)
            if given is not None and len(given) != number:
                raise ValueError(
                    f"{name} has {len(given)} entries, but there are {number} images: give one "
                    "for each image."
                )
        if self.names is not None and len(set(self.names)) < number:
            raise ValueError("names has a name twice, but must tell the images apart.")

    def __len__(self) -> int:
        return length_of(self.images)

    @property
    def given(self) -> list[str]:
        """Names of the attributes that are there beside the images."""
        names = [field.name for field in fields(self)[1:]]
        return [name for name in names if getattr(self, name) is not None]


@dataclass(frozen=True, eq=False)
class ImageStream:
    """A stream of images for pre-training, of which so many make an epoch.

    Order is the stream's own. See ``fcmae.data.items.stream`` for what holds of a run over it.

    Attributes:
        dataset: A ``torch.utils.data.IterableDataset`` of images or of pairs (image, target).
        length: Images of one epoch; by default ``len(dataset)``. A stream that ends sooner begins
            again.
    """

    dataset: Any
    length: int | None = None

    def __post_init__(self) -> None:
        if not hasattr(self.dataset, "__iter__") or hasattr(self.dataset, "__next__"):
            raise ValueError(
                f"a stream is begun anew for each epoch, but {type(self.dataset).__name__} cannot "
                "be: give a torch.utils.data.IterableDataset, whose __iter__ begins it."
            )
        if self.length is None and not hasattr(self.dataset, "__len__"):
            raise ValueError(
                f"the stream {type(self.dataset).__name__} does not say its length: give one, as "
                "in fcmae.ImageStream(dataset, length=100_000), which is the number of images of "
                "an epoch."
            )
        if len(self) < 1:
            raise ValueError(f"length is {len(self)}, but must be at least 1.")

    def __len__(self) -> int:
        return len(self.dataset) if self.length is None else self.length


def is_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Returns whether a source is one path."""
    return isinstance(source, (str, os.PathLike))


def paths_of(source: object) -> list[Path] | None:
    """The paths of a source that is one, or a sequence of nothing else; None for all others."""
    if is_path(source):
        return [Path(source)]
    if isinstance(source, (list, tuple)) and source and all(map(is_path, source)):
        return [Path(path) for path in source]
    return None


def named_paths(source: object) -> list[Path]:
    """The paths that a source names; none for images that a program holds."""
    return paths_of(source) or []


def sole_path(source: object, what: str) -> Path:
    """The path of a source that is one.

    Args:
        source: Paths, or images that a program holds.
        what: Things that need one path, for the message.

    Raises:
        DataError: It is none, or several.
    """
    paths = paths_of(source)
    if paths is None or len(paths) != 1:
        raise DataError(f"{what} need one folder or file, but got {described(source)}.")
    return paths[0]


def is_stream(source: object) -> bool:
    """Returns whether a source is a stream, which gives images one after the other only."""
    if isinstance(source, ImageStream):
        return True
    # PyTorch's streams have a __getitem__, which raises, and may have a length.
    named = any(kind.__name__ == "IterableDataset" for kind in type(source).__mro__)
    by_number = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    if isinstance(source, ImageData) or is_path(source):
        return False
    return named or (hasattr(source, "__iter__") and not by_number)


def as_stream(source: object) -> ImageStream:
    """A source that is a stream, with its length.

    Raises:
        DataError: It does not tell its length, or cannot be begun anew.
    """
    try:
        return source if isinstance(source, ImageStream) else ImageStream(source)
    except ValueError as error:
        raise DataError(f"{error}") from error


def length_of(images: object) -> int:
    """Number of images.

    Raises:
        ValueError: These are not images by their place.
    """
    if hasattr(images, "__getitem__") and hasattr(images, "__len__") and not is_path(images):
        return len(images)
    raise ValueError(
        "images are an array n h w c, a tensor n c h w, a list of images, or a data set with a "
        f"length and items by number, but these are of type {type(images).__name__}."
    )


def described(source: object) -> str:
    """Describes a source in a few words, for messages and records."""
    if (paths := paths_of(source)) is not None:
        return shown(paths[0]) if len(paths) == 1 else f"{len(paths)} paths"
    if isinstance(source, ImageData):
        return " with ".join([described(source.images), *filter(None, [", ".join(source.given)])])
    if isinstance(source, tuple) and len(source) == 2:
        return f"{described(source[0])} with labels"
    if isinstance(source, ImageStream):
        return f"the stream {type(source.dataset).__name__} of {len(source):,} images"
    return _described(source)


def _described(images: Any) -> str:
    name, shape = type(images).__name__, getattr(images, "shape", None)
    if isinstance(images, (list, tuple)):
        return f"a list of {len(images):,} image{'s' * (len(images) != 1)}"
    if shape is not None and hasattr(images, "dtype"):
        sides = " x ".join(map(str, shape))
        return f"the {name} {sides} of {str(images.dtype).removeprefix('torch.')}"
    if hasattr(images, "__getitem__") and hasattr(images, "__len__"):
        return f"the data set {name} of {len(images):,} images"
    return f"the {name}"


def is_held(source: object) -> bool:
    """Returns whether a source holds or makes images itself, rather than naming paths."""
    known = isinstance(source, (ImageData, ImageStream)) or is_object(source)
    return known and paths_of(source) is None


def _kept(value: object) -> bool:
    return is_held(value) or isinstance(value, (list, tuple))


if not TYPE_CHECKING:
    HeldImages = object
    _objects = FromPython(
        words="an array n h w c, a list of images, or a data set",
        alias="fcmae.data.source.ImageSource",
        fits=_kept,
        record=described,
    )
    ImageSource = Path | Annotated[object, _objects]
    """Images, as a command takes them to train on or to look at."""
    ImageSources = list[Path] | Annotated[object, dataclasses.replace(_objects, fits=is_held)]
    """The same where there may be several paths."""
