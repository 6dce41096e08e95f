"""Every value of the recipes of detection."""

from dataclasses import replace

import pytest

from fcmae.model.detector import Detector
from fcmae.model.options import MaskRCNN, Suppression, architecture
from fcmae.optim.groups import parameter_groups
from fcmae.optim.schedule import learning_rate
from fcmae.options.parse import build, config_values
from fcmae.options.recipes import RECIPES, recipe_names
from fcmae.training import FinetuneDetect

# name: rate at the batch, batch, drop path, and how far below the head the stem, the last block of
# stage 3 and stage 4 are.
COCO = {
    "base": (1e-4, 32, 0.4, (13, 2, 1)),
    "large": (1e-4, 32, 0.5, (13, 2, 1)),
    "huge": (1e-4, 32, 0.5, (13, 2, 1)),
    "tiny": (1e-4, 32, 0.4, (7, 2, 1)),
    "v1-tiny": (1e-4, 16, 0.4, (7, 2, 1)),
}
UNPUBLISHED = {"base", "large", "huge", "tiny"}


def options(name: str) -> FinetuneDetect:
    values = config_values([name], FinetuneDetect)
    chosen = build(FinetuneDetect, {**values, "data": "images", "out": "run"})
    assert isinstance(chosen, FinetuneDetect)
    return chosen


def test_every_recipe_of_detection_is_held_to_this_table() -> None:
    names = {name for name in recipe_names() if name.startswith("detect/")}
    assert names == {"detect/small", *(f"detect/coco-{name}" for name in COCO)}


@pytest.mark.parametrize("name", COCO)
def test_coco_is_trained_on_as_published(name: str) -> None:
    chosen = options(f"detect/coco-{name}")
    optim = chosen.optim
    rate, batch, drop_path, depths = COCO[name]
    assert optim.peak_lr == pytest.approx(rate)
    assert (optim.batch_size, optim.epochs, optim.weight_decay) == (batch, 36, 0.05)
    assert (optim.betas, optim.clip_grad, optim.ema) == ((0.9, 0.999), None, None)
    assert (chosen.model, chosen.encoder.drop_path) == (name, drop_path)
    assert (chosen.size, chosen.test_size) == (1024, (800, 1333))
    assert (chosen.augment.scale, chosen.augment.flip) == ((0.1, 2.0), True)
    assert chosen.head == MaskRCNN()
    assert chosen.suppression == Suppression(method="soft", iou=0.5, min_score=0.05, most=100)

    steps = 118_287 // batch
    warmup = 1000 / (118_287 / 32)
    assert optim.warmup == pytest.approx(warmup, rel=0.01)
    for epoch, share in ((1, 1), (26.9, 1), (27, 0.1), (32.9, 0.1), (33, 0.01), (35.9, 0.01)):
        assert learning_rate(optim, round(epoch * steps), steps) == pytest.approx(rate * share)

    narrow = replace(architecture(name), dims=(8, 8, 8, 8))
    model = Detector(narrow, num_classes=1, head=MaskRCNN(width=8))
    groups = parameter_groups(model, optim)
    last = narrow.depths[2] - 1
    names = (
        "encoder.stem.weight",
        f"encoder.stages.2.{last}.expand.weight",
        "encoder.stages.3.0.expand.weight",
        "norms.0.weight",
        "heads.box_head.fc6.weight",
    )
    scales = [group.lr_scale for name in names for group in groups if name in group.names]
    assert scales == pytest.approx([*(0.95**depth for depth in depths), 1, 1])


def test_what_was_never_published_says_so() -> None:
    texts = {name: (RECIPES / f"detect/coco-{name}.yaml").read_text() for name in COCO}
    assert {name for name, text in texts.items() if "UNPUBLISHED" in text} == UNPUBLISHED
