"""The authors' sparse checkpoints: their formulas, their decoder, and what it predicts."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close
from written import State, sparse

from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.weights import load_model
from fcmae.model.autoencoder import Autoencoder

PATCH, C = 32, 3


@pytest.fixture
def state() -> State:
    return sparse(depths=(1, 2, 1, 1))


def dense(kernel: Tensor) -> Tensor:
    """The formulas of the authors' own conversion, as they are documented."""
    if kernel.ndim == 3:
        _, inward, out = kernel.shape
        return kernel.permute(2, 1, 0).reshape(out, inward, 2, 2).transpose(3, 2)
    return kernel.permute(1, 0).reshape(-1, 1, 7, 7).transpose(3, 2)


def reconstruct(state: State, images: Tensor, hidden: Tensor) -> Tensor:
    """What the authors' model predicts, by masked dense convolutions: ``n 3072 h w``.

    Args:
        state: A sparse checkpoint.
        images: Normalised.
        hidden: Which cells of the last stage are hidden, ``n h w``.
    """

    def norm(x: Tensor, name: str) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.layer_norm(x.movedim(1, -1), weight.shape, weight, bias, 1e-6).movedim(-1, 1)

    def linear(x: Tensor, name: str) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.conv2d(x, weight.reshape(*weight.shape[:2], 1, 1), bias)

    def grn(x: Tensor, name: str) -> Tensor:
        energy = x.square().sum(dim=(2, 3), keepdim=True).sqrt()
        ratio = energy / (energy.mean(dim=1, keepdim=True) + 1e-6)
        gamma, beta = (state[f"{name}.{p}"].reshape(1, -1, 1, 1) for p in ("gamma", "beta"))
        return gamma * (x * ratio) + beta + x

    def block(x: Tensor, name: str, seen: Tensor | None) -> Tensor:
        mask = 1.0 if seen is None else seen
        kernel = (
            state[f"{name}.dwconv.weight"]
            if seen is None
            else dense(state[f"{name}.dwconv.kernel"])
        )
        y = F.conv2d(
            x, kernel, state[f"{name}.dwconv.bias"].flatten(), padding=3, groups=x.shape[1]
        )
        ln, li = (".ln", ".linear") if seen is not None else ("", "")
        y = F.gelu(linear(norm(y * mask, f"{name}.norm{ln}"), f"{name}.pwconv1{li}")) * mask
        return x + linear(grn(y, f"{name}.grn"), f"{name}.pwconv2{li}") * mask

    x, at = images, "encoder.downsample_layers"
    for i in range(4):
        seen = (~hidden).float()[:, None].repeat_interleave(8 >> i, 2).repeat_interleave(8 >> i, 3)
        if i == 0:
            x = F.conv2d(x, state[f"{at}.0.0.weight"], state[f"{at}.0.0.bias"], stride=4)
            x = norm(x, f"{at}.0.1") * seen
        else:
            kernel = dense(state[f"{at}.{i}.1.kernel"])
            bias = state[f"{at}.{i}.1.bias"].flatten()
            x = F.conv2d(norm(x, f"{at}.{i}.0.ln"), kernel, bias, stride=2) * seen
        for j in range(2 if i == 1 else 1):
            x = block(x, f"encoder.stages.{i}.{j}", seen)
    x = linear(x, "proj")
    x = torch.where(hidden[:, None], state["mask_token"], x)
    return linear(block(x, "decoder.0", None), "pred")


def test_loading_it_and_reconstructing_gives_what_the_authors_model_does(
    tmp_path: Path, state: State
) -> None:
    torch.save({"model": state, "epoch": 800}, tmp_path / "checkpoint-800.pth")
    model, _ = load_model(tmp_path / "checkpoint-800.pth")
    assert isinstance(model, Autoencoder)
    # One image: the authors' GRN in pre-training takes its statistics over the batch.
    images, visible = torch.randn(1, C, 96, 128), torch.tensor([[1, 2, 6, 7, 11]])
    hidden = torch.ones(12, dtype=torch.bool)
    hidden[visible[0]] = False
    out = model(images, visible)
    theirs = reconstruct(state, images, hidden.reshape(1, 3, 4))
    assert_close(out.positions, torch.arange(12)[hidden][None])
    wanted = theirs.flatten(2)[:, :, hidden].transpose(1, 2)
    scale = wanted.abs().max()
    assert_close(out.prediction / scale, wanted / scale, rtol=1e-5, atol=1e-5)


def test_the_authors_channel_of_a_pixel_is_ours(tmp_path: Path, state: State) -> None:
    row, column, channel = 5, 17, 2
    state["pred.weight"].zero_()
    state["pred.bias"].zero_()
    state["pred.bias"][(row * PATCH + column) * C + channel] = 1.0
    torch.save({"model": state}, tmp_path / "a.pth")
    model, _ = load_model(tmp_path / "a.pth")
    model.target = type(model.target)(normalize=False)
    pictures = model.pictures(torch.zeros(1, C, 64, 64), torch.tensor([[0, 3]]))
    lit = pictures.reconstruction.nonzero().tolist()
    assert lit == [[0, channel, row, column + PATCH], [0, channel, row + PATCH, column]]


def test_it_is_written_as_it_was(state: State, tmp_path: Path) -> None:
    torch.save({"model": state}, tmp_path / "a.pth")
    model, _ = load_model(tmp_path / "a.pth")
    back = FORMATS["official-sparse"].write(model.state_dict())
    assert_close(back, state, rtol=0, atol=0)
