"""Any net of timm in place of our encoder: a baseline with its own features and pooling."""

from collections.abc import Mapping
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from timm.models._manipulate import group_with_matcher
from torch import Tensor, nn

from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.check_input import check_input
from fcmae.model.layers import initialise
from fcmae.model.masked.features import MapFormat, MapNet, check_maskable
from fcmae.model.timm_body import (
    build_body,
    channels_last,
    last_map,
    last_map_format,
    one_line,
    pyramid_format,
    showing,
)
from fcmae.model.timm_options import TimmArchitecture
from fcmae.types import Images, Level, Logits

OUTSIDE = "what comes after the net"
"""Stands for the head where layers are numbered; no matcher of timm knows such a name."""


class TimmEncoder(MapNet):
    """A net of timm without its classifier.

    Args:
        architecture: Which net, for which images.
        drop_path: Stochastic depth as the net itself spreads it.
        checkpointing: Recompute parts in the backward pass instead of storing activations.
    """

    def __init__(
        self,
        architecture: TimmArchitecture,
        *,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.body = build_body(architecture, drop_path=drop_path)
        if checkpointing:
            _checkpoint(self.body, architecture)
        self.width = int(self.body.head_hidden_size)
        """Length of the pooled features."""

    def forward(self, images: Images) -> Float[Tensor, "n p d"]:
        """Features of every position of the last map, without tokens that stand for none."""
        self.check(images)
        features: Tensor = self.body.forward_features(images)
        if features.ndim == 3:
            return features[:, self.num_tokens :]
        if self.channels_last:
            return rearrange(features, "n h w c -> n (h w) c")
        return rearrange(features, "n c h w -> n (h w) c")

    def last_map(self, images: Images) -> Level:
        """The last map of the net, before its pooling.

        Raises:
            ValueError: The net gives no map, as a transformer.
        """
        self.check(images)
        return last_map(self.body, images, str(self.architecture))

    def levels(self, images: Images) -> list[Level]:
        """The maps of strides 4, 8, 16 and 32, largest first, as they leave their stages.

        Raises:
            ValueError: The net does not give these maps.
        """
        self.check(images)
        indices = list(pyramid_format(self.architecture).indices)
        maps: list[Level] = self.body.forward_intermediates(
            images, indices=indices, intermediates_only=True
        )
        return maps

    def check(self, images: object) -> None:
        """Refuse what is no batch of normalised images, with the way to make one of it."""
        check_input(images, self.architecture.channels, next(self.body.parameters()).dtype)

    @property
    def map_format(self) -> MapFormat:
        """Channels and stride of the last map, as ``last_map_format`` finds them."""
        return last_map_format(self.architecture)

    @property
    def num_tokens(self) -> int:
        """Tokens before the positions that stand for none, such as the class token."""
        return int(getattr(self.body, "num_prefix_tokens", None) or 0)

    @property
    def channels_last(self) -> bool:
        """True if its maps are rows, columns, channels, as Swin's are."""
        return channels_last(self.body)

    @property
    def pools_token(self) -> bool:
        """True if its features are those of the class token alone."""
        return getattr(self.body, "global_pool", None) == "token"

    def pooled(self, images: Images) -> Float[Tensor, "n d"]:
        """One vector per image, by the net's own pooling and norm: what its classifier sees."""
        self.check(images)
        features = self.body.forward_features(images)
        pooled: Tensor = self.body.forward_head(features, pre_logits=True)
        return pooled

    def layers(self, *, stages: bool = False) -> dict[str, int]:
        """The layer of each parameter by timm's numbers, which end with that of the head.

        Args:
            stages: Count a whole stage as a layer, as timm's coarse groups do, and not each block.
        """
        named = [(name, name) for name, _ in self.body.named_parameters()]
        numbers: Mapping[str, int] = group_with_matcher(
            [*named, (OUTSIDE, OUTSIDE)],  # type: ignore[arg-type]  # any iterable will do
            self.body.group_matcher(coarse=stages),
            reverse=True,
        )
        return {("" if n == OUTSIDE else f"body.{n}"): layer for n, layer in numbers.items()}

    def without_decay(self) -> set[str]:
        """Parameters that timm exempts from weight decay, beside norms and biases."""
        exempt: set[str] = getattr(self.body, "no_weight_decay", set)()
        return {f"body.{name}" for name in exempt}


class TimmClassifier(nn.Module):
    """A net of timm with a linear head on its pooled features.

    Args:
        architecture: Which net, for which images.
        num_classes: Length of the logits.
        drop_path: Stochastic depth.
        head_init_scale: Factor on the head's initial weights.
        checkpointing: Recompute parts of the net in the backward pass.
    """

    def __init__(
        self,
        architecture: TimmArchitecture,
        *,
        num_classes: int,
        drop_path: float = 0.0,
        head_init_scale: float = 1.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes is {num_classes}, but must be at least 1.")
        self.encoder = TimmEncoder(architecture, drop_path=drop_path, checkpointing=checkpointing)
        self.head = nn.Linear(self.encoder.width, num_classes)
        self.head.apply(initialise)
        self.head.weight.data.mul_(head_init_scale)

    def features(self, images: Images) -> Float[Tensor, "n d"]:
        """One vector per image: what the head sees."""
        return self.encoder.pooled(images)

    def forward(self, images: Images) -> Logits:
        """Class scores before softmax."""
        logits: Tensor = self.head(self.features(images))
        return logits


def timm_encoder_of(model: nn.Module) -> TimmEncoder | None:
    """The net of timm that a model is, or has for its encoder; None if it has another one."""
    encoder = getattr(model, "encoder", model)
    return encoder if isinstance(encoder, TimmEncoder) else None


def check_images(architecture: TimmArchitecture, size: tuple[int, int], name: str = "size") -> None:
    """Show the net an image without content, and refuse a size that it cannot take.

    Raises:
        ValueError: It cannot; in one line.
    """
    shown = f"{name} is {size[0]} x {size[1]} pixels, which {architecture} cannot take"
    if architecture.size is not None and architecture.size != size:
        height, width = architecture.size
        raise ValueError(f"{shown}: it is built for one size, here {height} x {width}.")
    with torch.device("meta"), torch.no_grad():
        try:
            encoder = TimmEncoder(architecture).eval()
            patch = _patch(encoder.body)
            vectors = encoder.pooled(torch.empty(2, architecture.channels, *size))
            shape = tuple(vectors.shape)
        except (AttributeError, AssertionError, RuntimeError, ValueError, TypeError) as error:
            raise ValueError(f"{shown}: {one_line(error)}.") from error
    if architecture.size is not None and (size[0] % patch[0] or size[1] % patch[1]):
        raise ValueError(f"{shown}: both must be multiples of its patch, {patch[0]} x {patch[1]}.")
    if shape != (2, encoder.width):
        raise ValueError(f"{architecture} cannot stand here: it gives {shape} for two images.")


def check_masked(architecture: TimmArchitecture, size: tuple[int, int], mask: Mask) -> None:
    """Refuse a net that cannot be computed on the visible patches of images of this size.

    Raises:
        ValueError: It cannot; the message names the module and what it does.
    """
    patch = patch_side(mask, last_map_format(architecture).stride)
    patch_grid(*size, patch)
    with showing(architecture, size) as images:
        encoder = TimmEncoder(architecture)
        check_maskable(encoder, images, patch=patch, name=str(architecture))


def _patch(body: Any) -> tuple[int, int]:
    """Height and width of the patches that the net cuts; 1 x 1 where it says nothing of any."""
    found = getattr(getattr(body, "patch_embed", None), "patch_size", (1, 1))
    return (found, found) if isinstance(found, int) else (found[0], found[1])


def _checkpoint(body: Any, architecture: TimmArchitecture) -> None:
    try:
        body.set_grad_checkpointing(True)
    except (AttributeError, AssertionError) as error:
        raise ValueError(
            f"encoder.checkpointing is true, but {architecture} cannot do it: leave it out."
        ) from error
