from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from fcmae.analysis.feature_distance import Distances, channel_distance, feature_distance
from fcmae.data.batch import Batch
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

ARCH = Architecture(depths=(1, 1, 2, 1), dims=(2, 3, 4, 5))


def definition(features: Tensor) -> float:
    """Mean over all ordered pairs of channels of one image (positions x channels)."""
    columns = features.double().unbind(dim=1)
    distances = [
        (1 - nn.functional.cosine_similarity(a, b, dim=0)) / 2 for a in columns for b in columns
    ]
    return float(sum(distances) / len(distances))


def batch(indices: list[int], images: Tensor) -> Batch:
    index = torch.tensor(indices, dtype=torch.int64)
    return Batch(images=images[index], indices=index, repeats=torch.zeros_like(index))


def test_the_distance_is_the_mean_over_all_pairs() -> None:
    features = torch.randn(3, 5, 7)
    features[1, :, 2] = 0  # a dead channel
    torch.testing.assert_close(
        channel_distance(features), torch.tensor([definition(image) for image in features])
    )


@pytest.mark.parametrize(
    ("channels", "distance"),
    [
        ([[1.0, 2.0], [2.0, 4.0]], 0.0),
        ([[1.0, 0.0], [0.0, 1.0]], 0.25),
        ([[1.0, 2.0], [-1.0, -2.0]], 0.5),
        ([[0.0, 0.0], [0.0, 0.0]], 0.5),
    ],
    ids=["parallel", "orthogonal", "opposite", "dead"],
)
def test_the_distance_of_two_channels(channels: list[list[float]], distance: float) -> None:
    [measured] = channel_distance(torch.tensor(channels).T[None])
    assert measured == pytest.approx(distance, abs=1e-6)


def test_each_block_is_measured_after_its_expansion_and_averaged_over_images() -> None:
    torch.manual_seed(1)
    encoder, images = Encoder(ARCH), torch.randn(3, 3, 64, 32)
    nn.init.normal_(encoder.stages[0][0].grn.gamma)
    seen: list[Tensor] = []
    handles = [
        block.contract.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        for stage in encoder.stages
        for block in stage
    ]
    with torch.no_grad():
        encoder(images)
    for handle in handles:
        handle.remove()

    assert [features.shape[2] for features in seen] == [8, 12, 16, 16, 20]
    measured = feature_distance(encoder, [batch([2, 0], images), batch([1], images)]).of_blocks
    expected = [sum(definition(image) for image in features) / 3 for features in seen]
    assert measured == pytest.approx(expected, abs=1e-5)


def test_nothing_is_left_on_the_encoder() -> None:
    encoder = Encoder(ARCH)
    feature_distance(encoder, [batch([0], torch.randn(1, 3, 32, 32))])
    assert not [m for m in encoder.modules() if m._forward_pre_hooks]
    assert encoder.training


def test_without_images_there_is_no_distance_and_files_are_named() -> None:
    assert feature_distance(Encoder(ARCH), []) == Distances(of_blocks=[], unusable=[])
    damaged = replace(batch([], torch.randn(1, 3, 32, 32)), unusable=[("a.png", "it is empty")])
    assert feature_distance(Encoder(ARCH), [damaged]).unusable == [("a.png", "it is empty")]
