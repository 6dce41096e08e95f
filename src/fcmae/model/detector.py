"""Mask R-CNN on the encoder's pyramid (Faster R-CNN without masks), from torchvision's parts."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from fcmae.model.detector_heads import Heads, at_corners, heads, proposal_network
from fcmae.model.given_architecture import net_of
from fcmae.model.options import Architecture, MaskRCNN, Suppression
from fcmae.model.pyramid import LevelNorms, backbone, level_widths
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.group import options_from
from fcmae.types import Images, Level

Levels = dict[str, Level]
"""Maps of the feature pyramid network by name: "0" is the finest, "pool" the coarsest."""

LevelsOfOne = dict[str, Float[Tensor, "1 _ _ _"]]
"""The same of a single image."""


@dataclass(frozen=True, kw_only=True)
class Detected:
    """The objects found in one image, best first.

    Attributes:
        boxes: Left, top, right and bottom in pixels of the image as it was given.
        scores: Between 0 and 1.
        labels: Index of each object's class.
        masks: How likely each place of a grid over the box belongs to the object; None for a
            detector without masks.
    """

    boxes: Float[Tensor, "m 4"]
    scores: Float[Tensor, " m"]
    labels: Int[Tensor, " m"]
    masks: Float[Tensor, "m side side"] | None


class Detector(nn.Module):
    """Encoder, pyramid with a norm per level, feature pyramid network, and two stages of heads.

    Called on images, it gives what it finds in each. For training, ``features`` and then ``losses``
    of each image.

    Args:
        architecture: The encoder's, or the name of its size; ``atto`` by default. A net of timm,
            ``timm:NAME``, needs maps of strides 4, 8, 16 and 32.
        channels: Channels of the images, where a name stands for the rest; 3 by default.
        stem: Side in pixels of the stem's patches, likewise: 4 (by default), 2 or 1.
        num_classes: How many kinds of objects there are, the background not counted.
        masks: Whether to find outlines, or boxes only.
        head: Width of the heads, size of the anchors: a dataclass or a mapping.
        drop_path: Stochastic depth at the encoder's last block.
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | TimmArchitecture | str | None = None,
        *,
        channels: int | None = None,
        stem: int | None = None,
        num_classes: int,
        masks: bool = True,
        head: MaskRCNN | Mapping[str, Any] | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes is {num_classes}, but must be at least 1.")
        self.options = options = options_from(MaskRCNN, head, "head")
        self.num_classes, self.masks = num_classes, masks
        net = net_of(architecture, channels, stem)
        self.encoder = backbone(net, drop_path=drop_path, checkpointing=checkpointing)
        arch = self.encoder.architecture
        self.norms = LevelNorms(arch)
        widths = list(level_widths(arch))
        self.fpn = FeaturePyramidNetwork(widths, options.width, LastLevelMaxPool())
        self.rpn = proposal_network(options, stem=arch.stem)
        self.heads: Heads = heads(options, num_classes=num_classes, masks=masks, stem=arch.stem)
        self.suppress(Suppression())

    def suppress(self, suppression: Suppression | Mapping[str, Any]) -> None:
        """Choose how overlapping boxes are dealt with from now on, and how many may remain."""
        self.heads.suppress(options_from(Suppression, suppression, "suppression"))

    def features(self, images: Images) -> Levels:
        """The maps that the heads look at.

        In float32 whatever computed them: anchors take their type, and boxes need exact pixels.
        """
        maps = self.norms(self.encoder, images)
        merged = self.fpn(OrderedDict((str(i), x) for i, x in enumerate(maps)))
        return {name: x.float() for name, x in merged.items()}

    def losses(
        self,
        image: Float[Tensor, "1 c h w"],
        features: LevelsOfOne,
        size: tuple[int, int],
        target: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """The losses of one image; what they are drawn from comes from the global generator.

        Args:
            image: The image.
            features: Its maps.
            size: Height and width of the picture in the image's upper left corner; the rest is
                padding.
            target: ``boxes`` (m 4), ``labels`` (m) and, for a detector with masks, ``masks``
                (m h w).
        """
        # torchvision's class 0 is the background.
        wanted = [{**target, "labels": target["labels"] + 1}]
        if self.masks:
            wanted[0]["masks"] = at_corners(target["masks"])
        shown = ImageList(image, [size])
        proposals, of_proposals = self.rpn(shown, features, wanted)
        _, of_heads = self.heads(features, proposals, [size], wanted)
        return {**of_proposals, **of_heads}

    def forward(
        self, images: Images, sizes: Sequence[tuple[int, int]] | None = None
    ) -> list[Detected]:
        """Detects objects in each image.

        Args:
            images: Normalised images.
            sizes: Height and width of the picture in each image's upper left corner; by default
                there is no padding.
        """
        features = self.features(images)  # which refuses what is no batch of images
        height, width = images.shape[-2:]
        shapes = [(height, width)] * len(images) if sizes is None else list(sizes)
        proposals, _ = self.rpn(ImageList(images, shapes), features)
        found, _ = self.heads(features, proposals, shapes)
        return [_detected(one, masks=self.masks) for one in found]


def _detected(found: Mapping[str, Tensor], *, masks: bool) -> Detected:
    return Detected(
        boxes=found["boxes"].float(),
        scores=found["scores"].float(),
        labels=found["labels"] - 1,
        masks=found["masks"][:, 0].float() if masks else None,
    )


def of_image(features: Levels, index: int) -> LevelsOfOne:
    """The maps of one image of a batch."""
    return {name: x[index : index + 1] for name, x in features.items()}


def summed(losses: Mapping[str, Tensor]) -> Tensor:
    """All losses of an image with equal weight, as Mask R-CNN adds them."""
    return torch.stack(list(losses.values())).sum()
