"""The recipe of contrastive pre-training against MoCo v3's commands for ViT-Base."""

from pathlib import Path

import pytest
import torch

from fcmae.data.options import Views
from fcmae.model.contraster import Contraster
from fcmae.model.options import Projection, architecture
from fcmae.options.parse import build, config_values
from fcmae.options.recipes import RECIPES
from fcmae.training import Contrast


def recipe(name: str) -> Contrast:
    chosen = build(Contrast, {**config_values([name], Contrast), "data": "images", "out": "run"})
    assert isinstance(chosen, Contrast)
    return chosen


def test_the_recipe_is_that_of_moco_v3_for_vit_base() -> None:
    chosen = recipe("contrast")
    optim = chosen.optim
    assert optim.peak_lr == pytest.approx(2.4e-3)
    assert (optim.batch_size, optim.epochs, optim.warmup_epochs) == (4096, 300, 40)
    assert (optim.weight_decay, optim.betas, optim.min_lr) == (0.1, (0.9, 0.999), 0.0)
    assert (optim.ema, optim.clip_grad, optim.layer_decay) == (None, None, 1.0)
    assert (chosen.contrast.temperature, chosen.contrast.momentum) == (0.2, 0.99)
    assert chosen.augment == Views(
        scale=(0.08, 1.0), flip=True, jitter=0.8, strengths=(0.4, 0.4, 0.2, 0.1), grey=0.2,
        blur=(1.0, 0.1), blur_px=(0.1, 2.0), solarize=(0.0, 0.2),
    )  # fmt: skip
    assert "UNRESOLVED" in Path(RECIPES / "contrast.yaml").read_text()


@pytest.mark.parametrize(("name", "hidden"), [("base", 4096), ("huge", 4096), ("atto", 1280)])
def test_projector_and_predictor_have_moco_v3s_sizes_where_the_encoder_is_wide(
    name: str, hidden: int
) -> None:
    with torch.device("meta"):
        model = Contraster(architecture(name), projection=Projection())
    channels = architecture(name).dims[-1]
    shapes = [tuple(layer.weight.shape) for layer in model.projector.layers]
    assert shapes == [(hidden, channels), (hidden, hidden), (256, hidden)]
    shapes = [tuple(layer.weight.shape) for layer in model.predictor.layers]
    assert shapes == [(hidden, 256), (256, hidden)]


def test_the_recipe_for_small_data_asks_for_small_crops_only_as_far_as_they_show_something() -> (
    None
):
    chosen = recipe("contrast/small")
    assert chosen.size == 128
    assert chosen.augment.scale == (0.2, 1.0)
    assert chosen.augment.blur_px == (0.1, 1.0)
