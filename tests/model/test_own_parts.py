"""Decoders, targets and masks of a user's own, and the errors of those that break a contract."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor, nn
from torch.testing import assert_close

from fcmae.data.batch import Batch
from fcmae.loss.options import Target
from fcmae.loss.pixels import to_patches
from fcmae.masking import Mask
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.build import OwnCodeError, describe, rebuild
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.model.own_parts import decoder_or_options, visible_of
from fcmae.tasks.reconstruct import ReconstructTask

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8), stem=1)
PIXELS = 8 * 8 * 3


def brightness(images: Tensor) -> Tensor:
    """The mean of each channel of each patch: three values."""
    return rearrange(images, "n c (h r) (w s) -> n (h w) c (r s)", r=8, s=8).mean(-1)


def left_half(generator: torch.Generator, grid: tuple[int, int]) -> Tensor:
    """Hides the left half, or the right one."""
    hidden = torch.zeros(grid, dtype=torch.bool)
    middle = grid[1] // 2
    if torch.rand((), generator=generator) < 0.5:
        hidden[:, :middle] = True
    else:
        hidden[:, middle:] = True
    return hidden


def batch(indices: list[int], epoch: int = 0) -> Batch:
    images = torch.stack([torch.full((3, 32, 32), float(i)) for i in indices])
    index = torch.tensor(indices)
    return Batch(images=images, indices=index, repeats=torch.zeros_like(index), epoch=epoch)


def test_a_decoder_gets_the_map_with_mask_tokens_and_gives_predictions() -> None:
    seen = {}

    class Watching(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            seen["map"] = x
            return super().forward(x)

    model = Autoencoder(ARCH, decoder=Watching(8, PIXELS, 1))
    nn.init.normal_(model.decoder.mask_token)
    images, visible = torch.randn(2, 3, 16, 32), torch.tensor([[0, 5], [2, 7]])
    out = model(images, visible)
    features = model.encoder(images, visible)
    expected = features.layout.to_map(features.features)
    shown = torch.zeros(2, 8, dtype=torch.bool).scatter(1, visible, True).view(2, 1, 2, 4)
    token = model.decoder.mask_token[:, None, None]
    assert_close(seen["map"], torch.where(shown, expected, token))
    predicted = model.decoder.net(seen["map"]).flatten(2).transpose(1, 2)
    assert_close(out.prediction, predicted.gather(1, out.hidden[..., None].expand(-1, -1, PIXELS)))
    out.loss.backward()
    assert all(x.grad is not None for x in model.parameters())


def test_the_error_of_a_target_is_that_of_its_hidden_patches() -> None:
    model = Autoencoder(ARCH, decoder=nn.Conv2d(8, 3, 1), target=brightness)
    images = torch.randn(3, 3, 32, 32)
    out = model(images)
    wanted = brightness(images).gather(1, out.hidden[..., None].expand(-1, -1, 3))
    assert_close(out.loss, (out.prediction - wanted).square().mean())
    with pytest.raises(ValueError, match="predicts a target of its own, not pixels"):
        out.pictures()
    assert out._repr_png_() is None


@pytest.mark.parametrize("kind", ["block", "transformer"])
def test_a_decoder_of_ours_predicts_as_many_values_as_it_is_told(kind: str) -> None:
    decoder = DecoderOptions(kind=kind, width=32)
    model = Autoencoder(ARCH, decoder=decoder, target=brightness, values=3)
    assert model(torch.randn(2, 3, 32, 32)).prediction.shape == (2, 10, 3)


def test_a_target_with_weights_stays_as_it_is() -> None:
    teacher = nn.Sequential(
        nn.Conv2d(3, 5, 8, stride=8), nn.BatchNorm2d(5), nn.Flatten(2), Transposed()
    )
    model = Autoencoder(ARCH, target=teacher, values=5).train()
    assert not teacher.training
    before = {name: x.clone() for name, x in teacher.state_dict().items()}
    model(torch.randn(2, 3, 32, 32)).loss.backward()
    assert_close(teacher.state_dict(), before, rtol=0, atol=0)
    assert all(x.grad is None for x in teacher.parameters())
    assert any(name.startswith("target.") for name in model.state_dict())
    assert not teacher.eval().training
    assert not model.eval().training


class Transposed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def test_a_mask_is_a_function_of_seed_epoch_and_image_alone() -> None:
    def draw(images: list[int], **changes: int) -> Tensor:
        how = {"seed": 0, "epoch": 0} | changes
        return visible_of(left_half, (2, 4), images=np.array(images), **how)

    together = draw([0, 1, 2, 3, 4, 5, 6, 7])
    assert {tuple(row) for row in together.tolist()} == {(0, 1, 4, 5), (2, 3, 6, 7)}
    assert_close(torch.cat([draw([7, 1]), draw([4])]), together[[7, 1, 4]])
    others = (draw(list(range(8)), seed=1), draw(list(range(8)), epoch=1))
    assert all(not torch.equal(other, together) for other in others)


def test_training_draws_the_masks_of_its_model() -> None:
    task = ReconstructTask(Autoencoder(ARCH, mask=left_half), seed=3)
    seen = []
    forward = task.model.forward
    task.model.forward = lambda images, visible: seen.append(visible) or forward(images, visible)  # type: ignore[func-returns-value, method-assign]
    task(batch([4, 2], epoch=1))
    expected = visible_of(left_half, (4, 4), seed=3, epoch=1, images=np.array([4, 2]))
    assert_close(seen[0], expected)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"decoder": nn.Identity()},
            "the decoder Identity predicts 8 values of each patch, but the target has 192 (8 x 8 "
            "pixels of 3 channels): its output must be n 192 h w.",
        ),
        (
            {"decoder": nn.Conv2d(8, 192, 2)},
            "the decoder Conv2d gives a tensor of (2, 192, 3, 3) for a map of (2, 8, 4, 4), but "
            "must give n k h w: 2 images, the values of a patch, 4 rows, 4 columns.",
        ),
        ({"decoder": nn.Flatten()}, "the decoder Flatten gives a tensor of (2, 128)"),
        (
            {"target": brightness},
            "the decoder predicts 192 values of each patch, but the target has 3: give values=3.",
        ),
        (
            {"target": lambda images: images},
            "the target <lambda> gives a tensor of (2, 3, 32, 32) for images of (2, 3, 32, 32), "
            "but must give n p k: 2 images, 16 patches (4 x 4 in raster order), the values of a "
            "patch.",
        ),
        ({"target": lambda _: [1]}, "the target <lambda> gives a list for images"),
        (
            {"mask": lambda _, grid: torch.rand(grid)},
            "the mask <lambda> gives a tensor of (4, 4) of torch.float32 for a grid of 4 x 4 "
            "patches, but must give a boolean tensor of that shape, True where hidden.",
        ),
        (
            {"mask": lambda _, grid: torch.rand(16) < 0.5},
            "the mask <lambda> gives a tensor of (16,) of torch.bool for a grid of 4 x 4",
        ),
        (
            {"mask": lambda _, grid: torch.ones(grid, dtype=torch.bool)},
            "the mask <lambda> hides 16 of 16 patches, but an image needs a visible and a hidden",
        ),
    ],
)
def test_a_part_that_breaks_its_contract_is_told_so(parts: dict[str, object], says: str) -> None:
    model = Autoencoder(ARCH, **parts)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape(says)):
        model(torch.randn(2, 3, 32, 32))


def test_masks_of_a_batch_hide_as_many_patches() -> None:
    def uneven(generator: torch.Generator, grid: tuple[int, int]) -> Tensor:
        count = int(torch.randint(1, 16, (), generator=generator))
        return (torch.arange(16) < count).view(grid)

    with pytest.raises(ValueError, match=r"the mask uneven hides \d+ patches of one image and \d+"):
        Autoencoder(ARCH, mask=uneven)(torch.randn(8, 3, 32, 32))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"values": 3}, "values is 3, but only a decoder of fcmae for a target of your own"),
        (
            {"values": 3, "target": brightness, "decoder": nn.Conv2d(8, 3, 1)},
            "values is 3, but only a decoder of fcmae for a target of your own",
        ),
        ({"values": 0, "target": brightness}, "values is 0, but must be at least 1"),
        (
            {"values": 3, "target": brightness, "decoder": DecoderOptions(kind="unet", width=8)},
            r"values is 3, but decoder\.kind unet predicts the pixels of a patch",
        ),
    ],
)
def test_values_are_for_targets_that_are_not_pixels(parts: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Autoencoder(ARCH, **parts)  # type: ignore[arg-type]


def test_parts_are_described_by_their_names_and_asked_for() -> None:
    model = Autoencoder(ARCH, decoder=nn.Conv2d(8, 3, 1), target=brightness, mask=left_half)
    description = describe(model)
    assert description["kind"] == "autoencoder"
    assert description["decoder"] == {"class": "torch.nn.modules.conv.Conv2d"}
    assert description["mask"] == {"class": f"{__name__}.left_half"}
    assert description["target"] == {"class": f"{__name__}.brightness"}
    with pytest.raises(OwnCodeError, match=r"its own decoder .*Conv2d and mask"):
        rebuild(description)


def test_an_autoencoder_draws_its_mask_from_a_generator_or_the_global_one() -> None:
    model, images = Autoencoder(ARCH), torch.randn(4, 3, 32, 32)
    first = model(images, generator=torch.Generator().manual_seed(1))
    again = model(images, generator=torch.Generator().manual_seed(1))
    other = model(images, generator=torch.Generator().manual_seed(2))
    assert_close(first.hidden, again.hidden)
    assert not torch.equal(first.hidden, other.hidden)
    assert first.hidden.shape == (4, 10)
    torch.manual_seed(5)
    before = model(images)
    torch.manual_seed(5)
    assert_close(model(images).loss, before.loss, rtol=0, atol=0)
    visible = model.draw(images, generator=torch.Generator().manual_seed(1))
    assert_close(model(images, visible).loss, first.loss, rtol=0, atol=0)
    grid = Autoencoder(ARCH, mask=Mask(pattern="grid", ratio=0.75)).draw(images)
    assert all(len({divmod(i, 4)[0] % 2 for i in row}) == 1 for row in grid.tolist())


def in_bytes(image: Tensor) -> Tensor:
    """An image in [-1, 1] as rows, columns and channels of bytes."""
    return ((image.clamp(-1, 1) + 1) * 127.5).round().permute(1, 2, 0).to(torch.uint8)


def test_a_reconstruction_is_a_picture_in_three_columns(tmp_path: Path) -> None:
    model = Autoencoder(ARCH, target=Target(normalize=False))
    images = torch.rand(3, 3, 16, 24) * 2 - 1
    images[:, :, 0, 0], images[:, :, 0, 1] = -1, 1
    out = model(images)
    picture = out.picture(tmp_path / "rows.png", mean=(0.5,) * 3, std=(0.5,) * 3)
    assert picture.size == (3 * 24 + 2 * 4, 3 * 16 + 2 * 4)
    with Image.open(tmp_path / "rows.png") as saved:
        assert saved.size == picture.size
    pixels = torch.tensor(np.asarray(picture))
    assert_close(pixels[:16, :24], in_bytes(images[0]), rtol=0, atol=1)
    assert_close(pixels[:16, 56:], in_bytes(out.pictures().reconstruction[0]), rtol=0, atol=1)
    stretched = torch.tensor(np.asarray(out.picture()))  # from the smallest value to the largest
    assert_close(stretched[:16, :24], in_bytes(images[0]), rtol=0, atol=1)
    assert out.picture(most=1).size == (80, 16)
    assert (out._repr_png_() or b"").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="give both or none"):
        out.picture(mean=(0.5,) * 3)


def test_visible_patches_of_a_picture_are_those_of_the_image() -> None:
    model, images = Autoencoder(ARCH), torch.randn(2, 3, 32, 32)
    out = model(images)
    made = out.pictures()
    hidden = torch.zeros(2, 16, dtype=torch.bool).scatter(1, out.hidden, True)
    assert_close(to_patches(made.reconstruction, 8)[~hidden], to_patches(images, 8)[~hidden])
    assert (to_patches(made.masked, 8)[hidden] == 0).all()


def test_images_of_one_channel_are_shown_in_grey() -> None:
    arch = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8), stem=1, channels=1)
    assert Autoencoder(arch)(torch.randn(2, 1, 16, 16)).picture().mode == "L"


@pytest.mark.parametrize("decoder", ["block", nn.Conv2d])
def test_a_decoder_of_another_type_is_refused(decoder: object) -> None:
    with pytest.raises(ValueError, match=r"must be a fcmae\.DecoderOptions .* or a torch\.nn\.Mod"):
        decoder_or_options(decoder)


@pytest.mark.parametrize(
    ("decoder", "words"),
    [
        (
            nn.Conv2d(768, PIXELS, 1),
            "the decoder Conv2d does not fit: the Conv2d takes 768 channels on the second axis, "
            "but was given 2 x 8 x 2 x 4, which has 8. It gets the map of the encoder's last "
            "stage, n 8 h w.",
        ),
        (
            nn.Sequential(nn.Conv2d(8, 6, 1), nn.GELU(), nn.GroupNorm(1, 5)),
            "its layer 2 (GroupNorm) takes 5 channels on the second axis, but was given 2 x 6 x 2",
        ),
        (
            nn.Linear(8, PIXELS),
            "takes 8 channels on the last axis, but was given 2 x 8 x 2 x 4, wh",
        ),
        (nn.Conv2d(8, 7, 1), f"predicts 7 values of each patch, but the target has {PIXELS}"),
    ],
    ids=["input", "inside", "channels last", "output"],
)
def test_a_decoder_of_another_width_is_told_both_widths(decoder: nn.Module, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Autoencoder(ARCH, decoder=decoder)(torch.zeros(2, 3, 16, 32))


def test_a_target_for_other_images_is_told_both_widths() -> None:
    model = Autoencoder(ARCH, target=nn.Conv2d(1, 4, 8, stride=8), values=4)
    with pytest.raises(ValueError, match=r"the Conv2d takes 1 channels .*, n 3 h w"):
        model(torch.zeros(2, 3, 16, 32))


def test_another_error_of_a_decoder_is_its_own() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, x[:, :, :1]], dim=1)

    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        Autoencoder(ARCH, decoder=Broken())(torch.zeros(2, 3, 16, 32))
