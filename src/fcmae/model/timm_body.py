"""Nets of timm as timm builds them, and the feature maps that they give."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import timm
import torch
from torch import Tensor

from fcmae.model.masked.features import MapFormat, format_of
from fcmae.model.timm_options import TimmArchitecture
from fcmae.types import Images, Level

STRIDES = (4, 8, 16, 32)
"""Pixels per position of the maps that detection and segmentation look at."""


@dataclass(frozen=True, kw_only=True)
class PyramidFormat:
    """The maps of a net at strides 4, 8, 16 and 32.

    Attributes:
        indices: Which of the maps that timm gives of it.
        channels: Channels of each.
    """

    indices: tuple[int, ...]
    channels: tuple[int, ...]


def build_body(architecture: TimmArchitecture, *, drop_path: float = 0.0, **more: Any) -> Any:
    """The net as timm builds it, with random weights and, unless asked for, without classifier.

    Raises:
        ValueError: timm has no such net, or the net is not made for this.
    """
    # Other names, such as hf-hub:..., would make timm fetch and run what it finds there.
    if not set(architecture.timm).isdisjoint(":/\\") or not timm.is_model(architecture.timm):
        raise ValueError(f"timm {timm.__version__} has no net {architecture.timm!r}.")
    sized = {} if architecture.size is None else {"img_size": architecture.size}
    dropping = {"drop_path_rate": drop_path} if drop_path else {}
    given = {"num_classes": 0, "in_chans": architecture.channels, **sized, **dropping, **more}
    try:
        return timm.create_model(architecture.timm, **given)
    except TypeError as error:
        if dropping and "drop_path_rate" in str(error):
            raise ValueError(
                f"encoder.drop_path is {drop_path}, but {architecture} has no stochastic depth: "
                "leave it out."
            ) from error
        raise ValueError(f"{architecture} cannot be built: {one_line(error)}.") from error
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"{architecture} cannot be built: {one_line(error)}.") from error


@contextmanager
def showing(
    architecture: TimmArchitecture, size: tuple[int, int] | None = None
) -> Iterator[Images]:
    """Give two images on the meta device, where to build a net and run it costs next to nothing.

    Args:
        architecture: The net.
        size: Height and width of the images; by default those that the net is built for, or 256.

    Raises:
        ValueError: The net cannot take them; in one line.
    """
    height, width = size or architecture.size or (256, 256)
    with torch.device("meta"):
        try:
            yield torch.empty(2, architecture.channels, height, width)
        except (AttributeError, AssertionError, RuntimeError, TypeError) as error:
            raise ValueError(
                f"{architecture} cannot take images of {height} x {width} pixels: "
                f"{one_line(error)}."
            ) from error


def channels_last(body: Any) -> bool:
    """True if the maps of a net are rows, columns, channels, as Swin's are."""
    return getattr(body, "output_fmt", "NCHW") == "NHWC"


def last_map(body: Any, images: Images, name: str) -> Level:
    """The last map of a net, before its pooling.

    Raises:
        ValueError: The net gives no map.
    """
    features: Tensor = body.forward_features(images)
    if features.ndim != 4:
        raise ValueError(f"{name} gives no feature map, as ConvNets do.")
    return features.permute(0, 3, 1, 2) if channels_last(body) else features


@cache
def last_map_format(architecture: TimmArchitecture) -> MapFormat:
    """Channels and stride of a net's last map.

    Raises:
        ValueError: The net gives no map, or none whose positions stand for squares of pixels.
    """
    name = str(architecture)
    with showing(architecture) as images, torch.no_grad():
        body = build_body(architecture).eval()
        return format_of(last_map(body, images, name), images, name)


@cache
def pyramid_format(architecture: TimmArchitecture) -> PyramidFormat:
    """The maps of a net that detection and segmentation look at: the last one of each stride.

    Raises:
        ValueError: The net does not give all of them, or not for images of any size.
    """
    if architecture.size is not None:
        height, width = architecture.size
        raise ValueError(
            f"{architecture} is built for one size, here {height} x {width}, but detection and "
            "segmentation need a net that takes images of any size: take a ConvNet."
        )
    with showing(architecture) as images, torch.no_grad():
        body = build_body(architecture).eval()
        if not hasattr(body, "forward_intermediates"):
            raise ValueError(f"timm gives no maps of {architecture} but the last one.")
        maps = body.forward_intermediates(images, intermediates_only=True)
    height, width = images.shape[-2:]
    strides = [_stride(x, height, width) for x in maps]
    found = {stride: index for index, stride in enumerate(strides)}
    if missing := [stride for stride in STRIDES if stride not in found]:
        have = ", ".join(str(stride) for stride in dict.fromkeys(strides) if stride)
        raise ValueError(
            f"{architecture} gives maps of strides {have}, but detection and segmentation need "
            f"those of 4, 8, 16 and 32: {' and '.join(map(str, missing))} is missing."
        )
    indices = tuple(found[stride] for stride in STRIDES)
    return PyramidFormat(indices=indices, channels=tuple(maps[i].shape[1] for i in indices))


def _stride(x: Tensor, height: int, width: int) -> int:
    """Pixels per position of a map along each side; 0 where its positions are not squares."""
    stride = height // x.shape[-2]
    return stride if (height, width) == (x.shape[-2] * stride, x.shape[-1] * stride) else 0


def one_line(error: Exception) -> str:
    """The first line of what timm or PyTorch says."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return (said or type(error).__name__)[:200].rstrip(".:")
