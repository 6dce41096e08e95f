"""The detector against torchvision's own Mask R-CNN built from the same parts."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import project_masks_on_boxes
from torchvision.ops import roi_align

from fcmae.checkpoint.weights import load_model, save_weights
from fcmae.evaluation.detections import Cutout, paste
from fcmae.model.build import describe, rebuild
from fcmae.model.detector import Detector, of_image, summed
from fcmae.model.detector_heads import Pool, at_corners, proposal_network
from fcmae.model.options import Architecture, Suppression
from fcmae.model.options import MaskRCNN as Head

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32))
HEAD = Head(width=16, proposals=32, anchor=16)
SIZE = (96, 128)


def small(architecture: Architecture = SMALL, *, masks: bool = True) -> Detector:
    torch.manual_seed(0)
    return Detector(architecture, num_classes=3, masks=masks, head=HEAD)


def target(seed: int, number: int = 3) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    corner = torch.rand(number, 2, generator=draw) * 50
    boxes = torch.cat([corner, corner + 8 + torch.rand(number, 2, generator=draw) * 30], dim=1)
    masks = torch.zeros(number, *SIZE, dtype=torch.bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
        mask[top:bottom, left:right] = True
    labels = torch.randint(0, 3, (number,), generator=draw)
    return {"boxes": boxes, "labels": labels, "masks": masks}


class Backbone(nn.Module):
    """Encoder, norms and feature pyramid, as torchvision wants a backbone."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.encoder, self.norms, self.fpn = model.encoder, model.norms, model.fpn
        self.out_channels = model.options.width

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        maps = self.norms(self.encoder, images)
        merged: OrderedDict[str, Tensor] = self.fpn(
            OrderedDict((str(i), x) for i, x in enumerate(maps))
        )
        return merged


def theirs(model: Detector) -> MaskRCNN | FasterRCNN:
    """torchvision's whole model of the same parts; its transform changes nothing."""
    heads, rpn = model.heads, model.rpn
    settings = {
        "num_classes": None,
        "image_mean": [0.0] * 3,
        "image_std": [1.0] * 3,
        "_skip_resize": True,
        "min_size": SIZE[0],
        "max_size": SIZE[1],
        "rpn_anchor_generator": rpn.anchor_generator,
        "rpn_head": rpn.head,
        "rpn_post_nms_top_n_train": 1000,
        "box_roi_pool": heads.box_roi_pool,
        "box_head": heads.box_head,
        "box_predictor": heads.box_predictor,
        "box_batch_size_per_image": HEAD.proposals,
        "box_score_thresh": 0.02,
        "box_detections_per_img": 20,
    }
    if not model.masks:
        return FasterRCNN(Backbone(model), **settings)
    return MaskRCNN(
        Backbone(model),
        mask_roi_pool=heads.mask_roi_pool,
        mask_head=heads.mask_head,
        mask_predictor=heads.mask_predictor,
        **settings,
    )


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("number", [3, 0])
def test_losses_and_gradients_are_those_of_torchvision(masks: bool, number: int) -> None:
    model = small(masks=masks)
    image, wanted = torch.randn(1, 3, *SIZE), target(1, number)
    torch.manual_seed(5)
    ours = model.losses(image, model.features(image), SIZE, wanted)
    summed(ours).backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()

    # Where torchvision takes a pixel's value to lie is tested below.
    read = at_corners(wanted["masks"])
    shifted = {**wanted, "labels": wanted["labels"] + 1, "masks": read}
    other = theirs(model).train()
    torch.manual_seed(5)
    expected = other([image[0]], [shifted])
    assert_close(ours, expected)
    torch.stack([expected[name] for name in ours]).sum().backward()
    for ours_, parameter in zip(gradients, model.parameters(), strict=True):
        assert ours_ is not None  # or processes would wait for each other
        assert_close(ours_, parameter.grad, rtol=1e-4, atol=1e-6)


def test_masks_are_learnt_where_they_are() -> None:
    wanted = target(0, 4)
    boxes = wanted["boxes"].trunc()  # as the masks are drawn
    turned = boxes.clone()
    turned[:, 0::2] = SIZE[1] - boxes[:, [2, 0]]
    places = torch.arange(4)
    learnt = project_masks_on_boxes(at_corners(wanted["masks"]), boxes, places, 28)
    mirrored = project_masks_on_boxes(at_corners(wanted["masks"].flip(-1)), turned, places, 28)
    assert_close(learnt.flip(-1), mirrored)
    for grid, box, mask in zip(learnt, boxes, wanted["masks"], strict=True):
        again = paste(grid, box, SIZE)
        whole = Cutout(top=0, left=0, mask=np.zeros(SIZE, dtype=bool)).union(again).mask
        assert (whole & mask.numpy()).sum() / (whole | mask.numpy()).sum() > 0.99


def test_maps_are_read_at_the_centres_of_their_cells() -> None:
    pool = Pool(7, stem=4)
    maps = {str(i): torch.randn(1, 2, 64 >> i, 64 >> i) for i in range(4)}
    boxes = torch.tensor([[20.0, 30, 60, 90], [10, 10, 240, 230], [0, 0, 255, 256]])
    found = pool(maps, [boxes], [(256, 256)])
    for number, level in enumerate([0, 2, 2]):
        expected = roi_align(
            maps[str(level)], [boxes[number : number + 1]], 7, 0.25 / 2**level, 2, aligned=True
        )
        assert_close(found[number], expected[0], rtol=1e-4, atol=1e-5)


def test_detections_are_those_of_torchvision() -> None:
    model = small().eval()
    model.suppress(Suppression(method="hard", min_score=0.02, most=20))
    images = torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        found = model(images)
        expected = theirs(model).eval()(list(images))
    for one, other in zip(found, expected, strict=True):
        assert len(one.boxes) > 0
        assert_close(one.boxes, other["boxes"])
        assert_close(one.scores, other["scores"])
        assert_close(one.labels, other["labels"] - 1)
        assert one.masks is not None
        assert one.masks.shape == (len(one.boxes), 28, 28)


def test_soft_suppression_keeps_more_boxes_and_lowers_scores() -> None:
    model = small().eval()
    images = torch.randn(1, 3, *SIZE)
    counts = {}
    for method in ("soft", "hard"):
        model.suppress(Suppression(method=method, min_score=0.02, most=60))
        with torch.no_grad():
            (found,) = model(images)
        counts[method] = len(found.scores)
        assert len(found.scores) <= 60
        assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    assert counts["soft"] >= counts["hard"] > 0


def test_an_image_does_not_see_its_batch_or_its_padding() -> None:
    model = small().eval()
    model.suppress(Suppression(min_score=0.0, most=20))
    images = torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        together = model(images, [SIZE, (64, 96)])
        alone = model(images[1:], [(64, 96)])
    assert_close(together[1].boxes, alone[0].boxes)
    assert (together[1].boxes <= torch.tensor([96, 64, 96, 64])).all()


@pytest.mark.parametrize(("stem", "channels"), [(2, 3), (4, 5), (1, 1)])
def test_any_stem_and_number_of_channels_works(stem: int, channels: int) -> None:
    architecture = Architecture(
        depths=(1, 1, 1, 1), dims=(8, 8, 8, 8), stem=stem, channels=channels
    )
    model = Detector(architecture, num_classes=1, head=Head(width=8, proposals=8))
    image = torch.randn(1, channels, 64, 64)
    features = model.features(image)
    anchors = model.rpn.anchor_generator(ImageList(image, [(64, 64)]), list(features.values()))
    assert anchors[0][0, 3] - anchors[0][0, 1] == pytest.approx(8 * stem * 2**-0.5, abs=1)
    assert model.heads.box_roi_pool.scales == [1 / (stem * 2**i) for i in range(4)]
    wanted = {name: values[:1] for name, values in target(2).items()}
    wanted = {**wanted, "labels": wanted["labels"] * 0, "masks": wanted["masks"][:, :64, :64]}
    wanted["boxes"] = wanted["boxes"].clamp(max=60)
    assert summed(model.losses(image, features, (64, 64), wanted)).isfinite()


def test_half_precision_rounds_no_box() -> None:
    model = small()
    image = torch.randn(1, 3, *SIZE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = model.features(image)
        objectness, deltas = model.rpn.head(list(features.values()))
        losses = model.losses(image, features, SIZE, target(3))
    types = {x.dtype for x in [*features.values(), *objectness, *deltas, *losses.values()]}
    assert types == {torch.float32}


def test_a_detector_survives_its_file(tmp_path) -> None:
    model = small(masks=False)
    assert describe(rebuild(describe(model))) == describe(model)
    save_weights(tmp_path / "weights.safetensors", model, {"classes": ["a", "b", "c"]})
    loaded, _ = load_model(tmp_path / "weights.safetensors")
    assert_close(loaded.state_dict(), model.state_dict())


def test_features_of_one_image_are_a_part_of_the_batch() -> None:
    model = small()
    images = torch.randn(2, 3, *SIZE)
    assert_close(of_image(model.features(images), 1), model.features(images[1:]))


def test_anchors_of_a_map_that_was_rounded_up_lie_where_its_places_are() -> None:
    anchors = proposal_network(HEAD, stem=4).anchor_generator
    sides = [24, 12, 6, 3, 2]  # of 96 pixels: the last is rounded up from 1.5
    maps = [torch.zeros(1, 1, side, side) for side in sides]
    (boxes,) = anchors(ImageList(torch.zeros(1, 3, 96, 96), [(96, 96)]), maps)
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    assert middles[-12:].unique().tolist() == [0.0, 64.0]
    assert middles[: 3 * 24 * 24].unique().tolist() == [4.0 * i for i in range(24)]
