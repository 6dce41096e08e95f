"""What one step of training a detector means, in any number of processes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

import forking
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.objects.coco import read_coco
from fcmae.data.objects.views import LargeScaleJitter
from fcmae.data.options import Jitter, Loader
from fcmae.engine.fit import fit
from fcmae.engine.options import Run
from fcmae.model.detector import Detector, of_image, summed
from fcmae.model.options import Architecture, MaskRCNN
from fcmae.optim.options import Optim
from fcmae.randomness import seed_everything
from fcmae.tasks.detect import DetectTask
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageList:
    """Four pictures with none to three bright squares, as COCO labels them."""
    root = tmp_path_factory.mktemp("squares")
    draw = np.random.default_rng(0)
    content: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "square"}, {"id": 2, "name": "circle"}],
    }
    for number in range(4):
        picture = draw.integers(0, 80, (48, 64, 3), dtype=np.uint8)
        for place in range(number):
            x, y = 4 + 20 * place, 6 + 9 * place
            picture[y : y + 14, x : x + 14] = 230
            corners = [x, y, x + 14, y, x + 14, y + 14, x, y + 14]
            content["annotations"].append(
                {"id": 10 * number + place, "image_id": number, "category_id": 1 + place % 2,
                 "bbox": [x, y, 14, 14], "segmentation": [corners]}
            )  # fmt: skip
        Image.fromarray(picture).save(root / f"{number}.png")
        content["images"].append(
            {"id": number, "file_name": f"{number}.png", "height": 48, "width": 64}
        )
    (root / "labels.json").write_text(json.dumps(content))
    return read_coco(root / "labels.json", root).images


def task(**how: Any) -> DetectTask:
    torch.manual_seed(0)
    small = Architecture(depths=(1, 1, 1, 1), dims=(8, 8, 16, 16))
    model = Detector(small, num_classes=2, head=MaskRCNN(width=8, proposals=16, anchor=8))
    return DetectTask(model, seed=3, **how)


def feed(images: ImageList) -> Feed:
    view = LargeScaleJitter((64, 64), Jitter(scale=(0.8, 1.2)))
    return Feed(images, view, seed=3, loader=Loader(workers=0), channels=3)


def train(images: ImageList, out: Path, **how: Any) -> None:
    fit(
        task(),
        feed(images),
        optim=Optim(base_lr=0.01, batch_size=4, epochs=2, warmup_epochs=1.0),
        run=Run(device="cpu", log_every=1, **how),
        out=out,
    )


def losses(out: Path) -> list[float]:
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "train"]


def test_the_loss_is_the_mean_over_images_of_their_own_losses(images: ImageList) -> None:
    detect = task()
    (batch,) = feed(images).batches(first_step=0, last_step=1, batch_size=4, micro_batch=4)
    step = detect(batch)
    expected = []
    assert batch.targets is not None
    for i, target in enumerate(batch.targets):
        features = of_image(detect.model.features(batch.images[i : i + 1]), 0)
        seed_everything(3, "proposals", batch.epoch, int(batch.indices[i]), 0)
        height, width = target["fitted"].tolist()
        own = detect.model.losses(batch.images[i : i + 1], features, (height, width), target)
        expected.append(summed(own))
    assert_close(step.loss, torch.stack(expected).mean())
    assert_close(step.loss.detach(), torch.stack(list(step.logs.values())).sum())
    assert set(step.logs) == {
        "loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask"
    }  # fmt: skip


@pytest.mark.full
def test_a_step_does_not_depend_on_how_its_batch_is_shared(
    images: ImageList, tmp_path: Path
) -> None:
    train(images, tmp_path / "alone")
    train(images, tmp_path / "micro", micro_batch=1)
    codes = forking.together(lambda: train(images, tmp_path / "both", strategy="ddp"))
    assert codes == [0, 0]
    alone, micro, both = (losses(tmp_path / name) for name in ("alone", "micro", "both"))
    assert alone[0] > 0.1
    assert micro[0] == pytest.approx(alone[0], abs=1e-6)
    assert both[0] == pytest.approx(alone[0], abs=1e-6)
    assert both[1] == pytest.approx(alone[1], rel=1e-4)


def test_frozen_stages_stay_as_they_are(images: ImageList) -> None:
    detect = task(freeze_stages=2)
    detect.train()
    (batch,) = feed(images).batches(first_step=0, last_step=1, batch_size=4, micro_batch=4)
    detect(batch).loss.backward()
    learning = {name for name, p in detect.model.named_parameters() if p.grad is not None}
    assert not any(name.startswith(("encoder.stem", "encoder.stages.0", "encoder.stages.1"))
                   for name in learning)  # fmt: skip
    assert any(name.startswith("encoder.stages.2") for name in learning)
    assert not detect.model.encoder.stages[1].training
    assert detect.model.encoder.stages[2].training
