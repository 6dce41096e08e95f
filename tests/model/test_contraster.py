"""MoCo v3's model: what learns, what follows, and batch norm against PyTorch's."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from fcmae.checkpoint.weights import load_into, load_model, save_weights
from fcmae.evaluation.embed import pooled
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.options import Architecture, Projection
from fcmae.model.projection import GlobalBatchNorm
from fcmae.optim.groups import parameter_groups
from fcmae.optim.options import Optim
from fcmae.process_group import Peers

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8), stem=1)
ALONE = Peers()


def contraster(**changes: float) -> Contraster:
    torch.manual_seed(1)
    return Contraster(SMALL, projection=Projection(hidden=12, width=6), **changes)


def images(seed: int, count: int = 3) -> torch.Tensor:
    return torch.randn(count, 3, 8, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_is_pytorchs_while_training_and_after(affine: bool) -> None:
    own, reference = GlobalBatchNorm(5, affine=affine), nn.BatchNorm1d(5, affine=affine)
    if affine:
        for norm in (own, reference):
            nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
            nn.init.normal_(norm.bias, generator=torch.Generator().manual_seed(2))
    for seed in range(3):
        x = 3 * torch.randn(7, 5, generator=torch.Generator().manual_seed(seed)) + 2
        both = [x.clone().requires_grad_() for _ in range(2)]
        outputs = own(both[0], ALONE), reference(both[1])
        assert_close(*outputs)
        weights = torch.randn(7, 5, generator=torch.Generator().manual_seed(seed + 9))
        for out in outputs:
            (out * weights).sum().backward()
        assert_close(both[0].grad, both[1].grad)
    assert_close(own.running_mean, reference.running_mean)
    assert_close(own.running_variance, reference.running_var)
    assert_close(own.eval()(x, ALONE), reference.eval()(x))


def test_a_single_image_is_refused_in_the_users_words() -> None:
    message = "a single image cannot be told from others: set optim.batch_size and run.micro_batch"
    with pytest.raises(ValueError, match=message):
        contraster()(images(0, 1), images(1, 1), ALONE)


def test_each_view_has_statistics_of_its_own() -> None:
    """The second view changes nothing about the first, in queries or keys."""
    model = contraster()
    one, other = model(images(0), images(1), ALONE), model(images(0), images(2), ALONE)
    assert_close(one.queries[0], other.queries[0])
    assert_close(one.keys[0], other.keys[0])
    assert not torch.allclose(one.keys[1], other.keys[1])


def test_the_momentum_copy_starts_equal_and_gets_no_gradient() -> None:
    model = contraster()
    before = model.projector(model.features(images(0)), ALONE)
    embedded = model(images(0), images(1), ALONE)
    assert_close(embedded.keys[0], before.detach())
    assert embedded.queries.requires_grad
    assert not embedded.keys.requires_grad
    embedded.queries.square().sum().backward()
    for name, parameter in model.named_parameters():
        follows = name.startswith("momentum_")
        assert parameter.requires_grad != follows, name
        assert (parameter.grad is None) == follows, name


def test_keys_come_without_stochastic_depth() -> None:
    model = contraster(drop_path=0.9)
    keys = [model(images(0), images(1), ALONE).keys for _ in range(2)]
    assert torch.equal(*keys)


def test_following_moves_weights_and_leaves_running_statistics() -> None:
    model = contraster()
    model(images(0), images(1), ALONE)
    with torch.no_grad():
        for parameter in model.projector.parameters():
            parameter.add_(1.0)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    model.follow(0.75)
    for name, x in model.state_dict().items():
        own = name.removeprefix("momentum_")
        if own == name or "running" in name:
            assert torch.equal(x, before[name]), name
        else:
            assert_close(x, 0.75 * before[name] + 0.25 * before[own])
    model.follow(1.0)
    assert_close(model.momentum_norm.weight, before["norm.weight"])


def test_what_follows_is_in_no_group_and_norms_do_not_decay() -> None:
    groups = parameter_groups(contraster(), Optim(layer_decay=0.5))
    names = [name for group in groups for name in group.names]
    assert not [name for name in names if name.startswith("momentum_")]
    decaying = [name for group in groups if group.weight_decay for name in group.names]
    assert "predictor.layers.0.weight" in decaying
    assert not [name for name in decaying if "norm" in name or name.endswith("bias")]
    # As many layers as the encoder has blocks: the copy's do not count.
    assert len({group.lr_scale for group in groups}) == 1 + 4 + (SMALL.depths[0] > 1)


def test_a_weights_file_gives_back_the_whole_model(tmp_path: Path) -> None:
    model = contraster()
    model(images(0), images(1), ALONE)
    model.follow(0.5)
    path = tmp_path / "weights.safetensors"
    save_weights(path, model, {"size": [8, 16]})
    loaded, card = load_model(path)
    assert card.model["projection"] == {
        "depth": 3, "predictor_depth": 2, "hidden": 12, "width": 6,
    }  # fmt: skip
    assert_close(loaded.state_dict(), model.state_dict(), rtol=0, atol=0)
    assert_close(pooled(loaded, images(3)), model.features(images(3)))


def test_other_models_take_the_encoder_that_learnt(tmp_path: Path) -> None:
    model = contraster()
    with torch.no_grad():
        model.encoder.stem.weight.add_(1.0)
    path = tmp_path / "weights.safetensors"
    save_weights(path, model, {})
    classifier = Classifier(SMALL, num_classes=2)
    load_into(classifier, path)
    assert_close(classifier.encoder.state_dict(), model.encoder.state_dict(), rtol=0, atol=0)
    assert not torch.equal(classifier.encoder.stem.weight, model.momentum_encoder.stem.weight)
