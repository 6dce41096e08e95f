"""Mixup and cutmix for any batch, driven by PyTorch's generator alone."""

import pytest
import torch
from timm.data.mixup import Mixup
from torch.testing import assert_close

from fcmae.data.mixup import mix
from fcmae.data.options import Augment

ONLY_MIXUP = Augment(mixup=0.8, cutmix=0.0, smoothing=0.1)
ONLY_CUTMIX = Augment(mixup=0.0, cutmix=1.0, smoothing=0.0)
NEITHER = Augment(mixup=0.0, cutmix=0.0, smoothing=0.1)


def batch(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of one value each, which is also their class."""
    labels = torch.arange(count)
    images = labels.float()[:, None, None, None].expand(count, 3, 32, 32).clone()
    return images, labels


@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize("augment", [ONLY_MIXUP, ONLY_CUTMIX, NEITHER, Augment()], ids=repr)
def test_targets_are_distributions_for_any_size_of_batch(count: int, augment: Augment) -> None:
    images, labels = batch(count)
    for _ in range(5):
        mixed, targets = mix(images, labels, augment, 10)
        assert mixed.shape == images.shape
        assert targets.shape == (count, 10)
        assert_close(targets.sum(dim=1), torch.ones(count))
        assert targets.min() >= 0


@pytest.mark.parametrize("augment", [ONLY_MIXUP, ONLY_CUTMIX])
def test_targets_hold_each_class_by_its_share_of_the_pixels(augment: Augment) -> None:
    images, labels = batch(5)
    for _ in range(10):
        mixed, targets = mix(images, labels, augment, 5)
        unsmoothed = (targets - augment.smoothing / 5) / (1 - augment.smoothing)
        assert_close(unsmoothed @ torch.arange(5.0), mixed.mean(dim=(1, 2, 3)), rtol=0, atol=1e-5)


def test_an_image_alone_stays_as_it_is() -> None:
    images, labels = batch(1)
    for augment in (ONLY_MIXUP, ONLY_CUTMIX):
        mixed, targets = mix(images + 0.3, labels, augment, 3)
        assert_close(mixed, images + 0.3)
        assert targets.argmax() == 0


def test_without_mixing_only_the_labels_are_smoothed() -> None:
    images, labels = batch(4)
    mixed, targets = mix(images, labels, NEITHER, 10)
    assert torch.equal(mixed, images)
    assert_close(targets[2, 2].item(), 0.91)
    assert_close(targets[2, 3].item(), 0.01)


def test_the_draw_depends_on_pytorchs_generator_alone_and_changes_no_input() -> None:
    images, labels = batch(6)
    kept = images.clone()
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(mix(images, labels, Augment(), 6)[1])
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert torch.equal(images, kept)


def test_half_of_the_batches_are_cut_and_shares_spread_as_timms_do() -> None:
    images, labels = batch(2)
    timm = Mixup(mixup_alpha=0.8, cutmix_alpha=1.0, label_smoothing=0.0, num_classes=2)
    ours, theirs, cut = [], [], 0
    for _ in range(400):
        mixed, targets = mix(images, labels, Augment(smoothing=0.0), 2)
        cut += int(set(mixed.unique().tolist()) <= {0.0, 1.0})
        ours.append(targets[0, 0])
        theirs.append(timm(images.clone(), labels)[1][0, 0])
    assert 140 < cut < 260
    for moment in (torch.mean, torch.std):
        assert_close(moment(torch.stack(ours)), moment(torch.stack(theirs)), rtol=0, atol=0.08)
