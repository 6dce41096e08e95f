"""The loss of segmentation, what it ignores, and what stays frozen."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from fcmae.data.batch import Batch
from fcmae.data.targets import Targets
from fcmae.errors import DataError
from fcmae.model.options import Architecture, UPerNet
from fcmae.model.segmenter import Segmenter
from fcmae.tasks.segment import SegmentTask

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 8, 16, 16))


def segmenter() -> Segmenter:
    torch.manual_seed(1)
    head = UPerNet(width=16, auxiliary_width=16, dropout=0.0)
    return Segmenter(SMALL, num_classes=3, head=head)


def batch(num: int = 4) -> Batch:
    draw = torch.Generator().manual_seed(0)
    masks = torch.randint(-1, 3, (num, 32, 64), generator=draw).to(torch.int16)
    return Batch(
        images=torch.randn(num, 3, 32, 64, generator=draw),
        targets=Targets.of([{"mask": mask} for mask in masks]),
        indices=torch.arange(num),
        repeats=torch.zeros(num, dtype=torch.int64),
    )


def part(whole: Batch, start: int, stop: int) -> Batch:
    assert whole.targets is not None
    return Batch(
        images=whole.images[start:stop],
        targets=Targets.of([whole.targets[i] for i in range(start, stop)]),
        indices=whole.indices[start:stop],
        repeats=whole.repeats[start:stop],
    )


def test_the_loss_is_the_definition() -> None:
    task, given = SegmentTask(segmenter(), auxiliary_weight=0.4), batch(2)
    step = task(given)
    assert given.targets is not None
    total = 0.0
    for number, target in enumerate(given.targets):
        both = task.model.both(given.images[number : number + 1])
        for scores, weight in ((both.scores, 1.0), (both.auxiliary, 0.4)):
            large = F.interpolate(scores.detach(), size=(32, 64), mode="bilinear")[0].log_softmax(0)
            for y in range(32):
                for x in range(64):
                    label = int(target["mask"][y, x])
                    if label >= 0:
                        total -= weight * float(large[label, y, x])
    assert float(step.loss.detach()) == pytest.approx(total / (2 * 32 * 64), rel=1e-4)
    assert 0 <= float(step.logs["train_accuracy"]) <= 1


def test_halves_of_a_batch_are_the_batch() -> None:
    task, given = SegmentTask(segmenter()), batch(4)
    whole = task(given).loss
    halves = [task(part(given, start, start + 2)).loss for start in (0, 2)]
    assert_close(sum(halves) / 2, whole, rtol=1e-6, atol=1e-6)


def test_an_image_without_a_judged_pixel_is_no_division_by_zero() -> None:
    given = batch(1)
    assert given.targets is not None
    nothing = Batch(
        images=given.images,
        targets=given.targets.map(lambda x: torch.full_like(x, -1)),
        indices=given.indices,
        repeats=given.repeats,
    )
    step = SegmentTask(segmenter())(nothing)
    step.loss.backward()
    assert float(step.loss.detach()) == float(step.logs["train_accuracy"]) == 0


def test_images_without_masks_say_so() -> None:
    given = batch(1)
    plain = Batch(images=given.images, indices=given.indices, repeats=given.repeats)
    with pytest.raises(DataError, match="the images have no masks"):
        SegmentTask(segmenter())(plain)


def test_frozen_stages_do_not_learn() -> None:
    task = SegmentTask(segmenter(), freeze_stages=2).train()
    task(batch(1)).loss.backward()
    learning = {name for name, p in task.model.named_parameters() if p.grad is not None}
    assert not [n for n in learning if n.startswith(("encoder.stem", "encoder.stages.0"))]
    assert any(name.startswith("encoder.stages.2") for name in learning)
    assert any(name.startswith("norms.0") for name in learning)
    assert not task.model.encoder.stages[1].training
    assert task.model.encoder.stages[2].training
    assert task.model.head.training
