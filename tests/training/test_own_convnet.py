"""Pre-training a ConvNet of the user's own: ``fcmae.pretrain(model=my_module)``."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.header import read_card
from fcmae.data.batch import Batch
from fcmae.errors import CheckpointError
from fcmae.task import Step
from fcmae.tasks.reconstruct import ReconstructTask
from fcmae.training.net_source import record_of


class MyNet(nn.Module):
    """Four convolutions to a map of stride 8, and a head that the map does not need."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(12, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(images)
        return out


def made(seed: int = 0) -> MyNet:
    torch.manual_seed(seed)
    return MyNet()


def images() -> np.ndarray:
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 255, (6, 4, 4, 3)).repeat(10, axis=1).repeat(10, axis=2)
    return np.asarray(coarse, dtype=np.uint8)


def options(out: Path, model: nn.Module, **more: object) -> "fcmae.Pretrain":
    return fcmae.Pretrain(
        data=images(),
        out=out,
        model=model,
        size=32,
        mask=fcmae.Mask(patch=16),
        decoder=fcmae.DecoderOptions(width=8),
        optim=fcmae.Optim(epochs=2, batch_size=3, warmup_epochs=0.0, base_lr=0.1),
        loader=fcmae.Loader(workers=0),
        run=fcmae.Run(device="cpu"),
        **more,
    )


def test_the_module_is_trained_saved_and_filled_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, begun = made(), made()
    result = fcmae.pretrain(options(tmp_path / "run", net))
    assert (result.steps, result.images) == (4, 6)
    assert "Not trained, as no map that is used needs it: head." in capsys.readouterr().err
    assert not torch.equal(net.layers[0].weight, begun.layers[0].weight)
    assert not torch.equal(net.layers[1].running_mean, begun.layers[1].running_mean)
    assert torch.equal(net.head.weight, begun.head.weight)
    description = read_card(tmp_path / "run").model
    assert description["net"] == {"class": f"{__name__}.MyNet", "channels": 3}
    encoder = fcmae.NetEncoder(MyNet(), size=(32, 32))
    decoder = fcmae.DecoderOptions(width=8)
    empty = fcmae.NetAutoencoder(encoder, mask=fcmae.Mask(patch=16), decoder=decoder)
    model = fcmae.load(tmp_path / "run", model=empty)
    assert_close(dict(model.encoder.body.state_dict()), dict(net.state_dict()), rtol=0, atol=0)


def test_a_run_that_died_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, steps = ReconstructTask.forward, []

    def dying(self: ReconstructTask, batch: Batch) -> Step:
        steps.append(batch)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return whole(self, batch)

    one, other = made(), made()
    fcmae.pretrain(options(tmp_path / "whole", one))
    with monkeypatch.context() as patch:
        patch.setattr(ReconstructTask, "forward", dying)
        with pytest.raises(KeyboardInterrupt):
            fcmae.pretrain(options(tmp_path / "died", made()))
    fcmae.pretrain(options(tmp_path / "died", other))
    assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=0, atol=0)


def test_what_a_file_of_an_own_net_needs_is_said(tmp_path: Path) -> None:
    fcmae.pretrain(options(tmp_path / "run", made()))
    said = re.escape("an autoencoder with its own net") + ".*MyNet.*fcmae.load"
    with pytest.raises(CheckpointError, match=said):
        fcmae.load(tmp_path / "run")


class Flat(nn.Module):
    """A net without a map."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class Rolls(MyNet):
    """A net that looks elsewhere."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).roll(1, 3)


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        (Flat(), {}, "Flat gives (2, 3) for images of shape (2, 3, 32, 32), but must give a"),
        (Rolls(), {}, "Rolls cannot be pre-trained under a mask: body (Rolls) calls roll."),
        (MyNet(), {"weights": "run"}, "weights would change the encoder, but model is a net of"),
        (MyNet(), {"grn": fcmae.Grn(kind="none")}, "grn would change the encoder, but model is"),
        (MyNet(), {"encoder": fcmae.EncoderOptions(stem=2)}, "encoder would change the encoder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    model: nn.Module, more: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, CheckpointError), match=re.escape(said)):
        fcmae.pretrain(options(tmp_path / "run", model, **more))
    assert not (tmp_path / "run").exists()


def test_a_number_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model is .*, but must be .* or a ConvNet of yours"):
        fcmae.pretrain(data=images(), out=tmp_path / "run", model=[3])


def test_the_record_of_a_module_tells_its_class_and_size() -> None:
    assert record_of(MyNet()) == f"<{__name__}.MyNet of 1,805 parameters>"


@pytest.mark.parametrize("model", [MyNet(), "timm:test_resnet"])
def test_a_net_that_is_masked_is_not_compiled(model: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'run={"compile": True} is for encoders of ours'):
        fcmae.pretrain(data=images(), out=tmp_path / "run", model=model, run={"compile": True})
