from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from fcmae.analysis.feature_distance import feature_distance
from fcmae.analysis.inactive import dead_maps
from fcmae.analysis.inside import Inside, look_inside
from fcmae.data.batch import Batch
from fcmae.evaluation.embed import embed
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

IMAGES = torch.randn(5, 2, 32, 64, generator=torch.Generator().manual_seed(4))


def batches(*sizes: int) -> list[Batch]:
    parts = torch.arange(5).split(sizes)
    return [Batch(images=IMAGES[i], indices=i, repeats=torch.zeros_like(i)) for i in parts]


def net(version: int) -> Encoder:
    torch.manual_seed(version)
    shape = Architecture(version=version, depths=(1, 1, 2, 1), dims=(2, 3, 4, 5), channels=2)
    encoder = Encoder(shape)
    for module in encoder.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return encoder


@pytest.mark.parametrize("version", [1, 2])
def test_one_pass_finds_what_the_single_measures_do(version: int) -> None:
    encoder = net(version)
    inside = look_inside(encoder, batches(5))
    measured = feature_distance(encoder, batches(5)).of_blocks
    assert_close(inside.distances.double().mean(dim=0).tolist(), measured)
    assert_close(inside.images.rows, embed(encoder, batches(5)).rows)
    outputs: list[Tensor] = []
    expanded: list[Tensor] = []
    block = encoder.stages[2][1]
    block.register_forward_hook(lambda _, inputs, out: outputs.append(out))
    block.contract.register_forward_pre_hook(lambda _, inputs: expanded.append(inputs[0]))
    with torch.no_grad():
        encoder(IMAGES)
    assert_close(inside.means[3], outputs[0].mean(dim=1))
    assert_close(inside.activities[3], outputs[0].clamp(min=0).mean(dim=1))
    assert_close(inside.dead[3], dead_maps(expanded[0]).sum(dim=0))


def numbers(inside: Inside) -> list[Tensor]:
    return [*inside.means, *inside.activities, inside.distances, *inside.dead, *inside.saturated]


def test_the_size_of_batches_changes_nothing() -> None:
    encoder = net(2)
    one, many = (look_inside(encoder, batches(*sizes)) for sizes in ((5,), (2, 1, 2)))
    for a, b in zip(numbers(one), numbers(many), strict=True):
        assert_close(a, b)


def test_processes_that_share_the_images_find_the_same(on_processes) -> None:
    encoder = net(2)
    alone = look_inside(encoder, batches(5))

    def share(peers):
        mine = torch.arange(5)[peers.rank :: peers.size]
        batch = Batch(images=IMAGES[mine], indices=mine, repeats=torch.zeros_like(mine))
        return look_inside(deepcopy(encoder), [batch] if len(mine) else [], peers)

    for size in (2, 6):
        for inside in on_processes(size, share):
            for a, b in zip(numbers(alone), numbers(inside), strict=True):
                assert_close(a, b)


def test_the_vectors_of_a_classifier_are_those_that_its_head_sees() -> None:
    shape = Architecture(depths=(1, 1, 1, 1), dims=(2, 3, 4, 5), channels=2)
    model = Classifier(shape, num_classes=3).eval()
    nn.init.normal_(model.norm.weight)
    with torch.no_grad():
        expected = model.features(IMAGES)
    assert_close(look_inside(model, batches(3, 2)).images.rows, expected)
