"""The two stages of Mask R-CNN's heads: where objects may be, then what they are."""

from collections.abc import Sequence
from math import log2
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import initLevelMapper

from fcmae.model.options import MaskRCNN, Suppression
from fcmae.model.suppression import soft_nms

NUM_LEVELS = 5
RATIOS = (0.5, 1.0, 2.0)
UNLIMITED = 1_000_000
AnchorLevels = Sequence[tuple[float, ...]]
DetectionColumns = tuple[list[Tensor], list[Tensor], list[Tensor]]
"""Boxes, scores and labels, each image by image."""

NMS_OFF = 1.0
"""No overlap is above it, so that nothing is suppressed."""


class ProposalHead(RPNHead):  # type: ignore[misc]  # torchvision has no types
    """torchvision's, with outputs in float32: half precision would round boxes to many pixels."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Objectness and box of every anchor, per level."""
        objectness, boxes = super().forward(x)
        return [y.float() for y in objectness], [y.float() for y in boxes]


class BoxPredictor(FastRCNNPredictor):  # type: ignore[misc]  # torchvision has no types
    """torchvision's, with outputs in float32."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score of each class, and the box that goes with it."""
        scores, boxes = super().forward(x)
        return scores.float(), boxes.float()


class Heads(RoIHeads):  # type: ignore[misc]  # torchvision has no types
    """torchvision's heads with soft-NMS as a choice; this is the one place where it has a seam."""

    soft_iou: float | None = None
    most: int = 0

    def suppress(self, suppression: Suppression) -> None:
        """Choose how overlapping boxes are dealt with."""
        soft = suppression.method == "soft"
        self.soft_iou = suppression.iou if soft else None
        self.most = suppression.most
        self.score_thresh = suppression.min_score
        self.nms_thresh = NMS_OFF if soft else suppression.iou
        self.detections_per_img = UNLIMITED if soft else suppression.most

    def postprocess_detections(self, *args: Any, **kwargs: Any) -> DetectionColumns:
        """Keeps the best detections of each image."""
        found: DetectionColumns = super().postprocess_detections(*args, **kwargs)
        if self.soft_iou is None:
            return found
        chosen: DetectionColumns = ([], [], [])
        for boxes, scores, labels in zip(*found, strict=True):
            kept, lowered = soft_nms(boxes, scores, labels, iou=self.soft_iou, most=self.most)
            for column, values in zip(chosen, (boxes[kept], lowered, labels[kept]), strict=True):
                column.append(values)
        return chosen


class Anchors(AnchorGenerator):  # type: ignore[misc]  # torchvision has no types
    """Anchors at the pyramid's own strides.

    torchvision divides the image's side by the map's, which misplaces those of the coarsest map
    where its side is rounded up.

    Args:
        sizes: Side of the anchors of each level.
        ratios: Heights by widths of each level.
        stem: Stride of the finest level.
    """

    def __init__(self, sizes: AnchorLevels, ratios: AnchorLevels, *, stem: int) -> None:
        super().__init__(sizes, ratios)
        self.stem = stem

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """The anchors of each image, all levels one after the other."""
        some = feature_maps[0]
        self.set_cell_anchors(some.dtype, some.device)
        strides = [
            [torch.tensor(self.stem << level, device=some.device)] * 2
            for level in range(len(feature_maps))
        ]
        places = self.grid_anchors([list(x.shape[-2:]) for x in feature_maps], strides)
        return [torch.cat(places) for _ in image_list.image_sizes]


def proposal_network(options: MaskRCNN, *, stem: int) -> RegionProposalNetwork:
    """The first stage: anchors on five levels; a thousand boxes of each image go on."""
    smallest = options.smallest_anchor(stem)
    sizes = tuple((float(smallest << level),) for level in range(NUM_LEVELS))
    anchors = Anchors(sizes, (RATIOS,) * NUM_LEVELS, stem=stem)
    return RegionProposalNetwork(
        anchors,
        ProposalHead(options.width, len(RATIOS)),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 2000, "testing": 1000},
        post_nms_top_n={"training": 1000, "testing": 1000},
        nms_thresh=0.7,
    )


def heads(options: MaskRCNN, *, num_classes: int, masks: bool, stem: int) -> Heads:
    """The second stage: class and box of each proposal, and the mask of each object."""
    width, hidden = options.width, 4 * options.width
    of_masks = {
        "mask_roi_pool": Pool(14, stem=stem),
        "mask_head": MaskRCNNHeads(width, (width,) * 4, 1),
        "mask_predictor": MaskRCNNPredictor(width, width, num_classes + 1),
    }
    return Heads(
        Pool(7, stem=stem),
        TwoMLPHead(width * 7**2, hidden),
        BoxPredictor(hidden, num_classes + 1),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=options.proposals,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=0.0,
        nms_thresh=NMS_OFF,
        detections_per_img=UNLIMITED,
        **(of_masks if masks else {}),
    )


class Pool(MultiScaleRoIAlign):  # type: ignore[misc]  # torchvision has no types
    """torchvision's RoIAlign over the four finer levels, with its boxes moved by half a cell.

    torchvision reads maps as if the value of a cell lay at the cell's upper left corner; in
    detectron2, and in mmdetection, which the paper used, it lies at the centre.

    Args:
        side: Of the grid that each box is read on.
        stem: Stride of the finest level.
    """

    def __init__(self, side: int, *, stem: int) -> None:
        super().__init__(["0", "1", "2", "3"], side, sampling_ratio=2)
        strides = [stem * 2**level for level in range(4)]
        # torchvision would work these out from the first image, wrongly if it is mostly padding.
        self.scales = [1 / stride for stride in strides]
        self.map_levels = initLevelMapper(int(log2(strides[0])), int(log2(strides[-1])))

    def forward(
        self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Pools the maps inside each box, image by image."""
        halves = torch.tensor([0.5 / scale for scale in self.scales], device=boxes[0].device)
        moved = [some - halves[self.map_levels([some])][:, None] for some in boxes]
        shown: Tensor = super().forward(x, moved, image_shapes)
        return shown


def at_corners(masks: Bool[Tensor, "m h w"]) -> Float[Tensor, "m h w"]:
    """The value of each mask at the upper left corner of each pixel, for torchvision's loss.

    It takes the values it is given to lie there, so that from plain masks a detector would learn
    outlines that are half a pixel off. At a corner is the mean of the four pixels that meet there.
    """
    counted = masks.to(torch.uint8)
    rows = counted + torch.cat([counted[:, :1], counted[:, :-1]], dim=1)
    return (rows + torch.cat([rows[:, :, :1], rows[:, :, :-1]], dim=2)) / 4
