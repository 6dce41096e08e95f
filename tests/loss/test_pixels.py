"""Targets and error against their definition, one patch at a time."""

import pytest
import torch
from torch.testing import assert_close

from fcmae.kernels.patches import take_patches
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error, to_images, to_patches


def definition(prediction, patches, *, normalize):
    """Section 3.1: mean squared error to pixels normalised by their own patch."""
    error = torch.zeros(prediction.shape[:2], dtype=torch.float64)
    for i, j in torch.cartesian_prod(*map(torch.arange, error.shape)).tolist():
        pixels = patches[i, j].double()
        if normalize:
            centred = pixels - pixels.mean()
            variance = (centred**2).sum() / (pixels.numel() - 1)
            pixels = centred / (variance + 1e-6) ** 0.5
        error[i, j] = ((prediction[i, j].double() - pixels) ** 2).mean()
    return error


@pytest.mark.parametrize("normalize", [True, False])
def test_the_error_is_that_of_the_definition(normalize):
    patches = 5 + 3 * torch.randn(2, 3, 48) * torch.rand(2, 3, 1)
    prediction = torch.randn(2, 3, 48)
    ours = pixel_error(prediction, patches, Target(normalize=normalize))
    assert_close(
        ours.double(), definition(prediction, patches, normalize=normalize), rtol=1e-4, atol=1e-4
    )


def test_brightness_and_contrast_of_a_patch_do_not_change_its_target():
    patches, prediction = torch.randn(2, 3, 48), torch.randn(2, 3, 48)
    brighter = 7 + 20 * patches
    errors = [pixel_error(prediction, x, Target()) for x in (patches, brighter)]
    assert_close(errors[0], errors[1], rtol=1e-4, atol=1e-4)


def test_a_patch_of_one_colour_has_a_finite_error_and_gradient():
    prediction = torch.randn(1, 2, 48, requires_grad=True)
    error = pixel_error(prediction, torch.full((1, 2, 48), 3.0), Target())
    error.sum().backward()
    assert_close(error, prediction.square().mean(-1))
    assert torch.isfinite(prediction.grad).all()


def test_patches_go_back_to_the_same_image():
    images = torch.randn(2, 5, 6, 9)
    patches = to_patches(images, 3)
    assert patches.shape == (2, 6, 45)
    assert_close(to_images(patches, 3, (2, 3)), images, rtol=0, atol=0)


def test_some_patches_are_those_of_all():
    images, positions = torch.randn(2, 3, 8, 12), torch.tensor([[5, 0], [3, 4]])
    expected = torch.stack([p[i] for p, i in zip(to_patches(images, 4), positions, strict=True)])
    assert_close(take_patches(images, 4, positions), expected, rtol=0, atol=0)


@pytest.mark.parametrize("weight", [-0.1, float("inf"), float("nan")])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(ValueError, match=r"target\.visible_weight is .*, but must be 0 or more\."):
        Target(visible_weight=weight)
