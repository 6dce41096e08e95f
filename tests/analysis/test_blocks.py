import pytest
import timm
import torch
from torch import Tensor, nn

from fcmae.analysis.blocks import as_positions, blocks_of, last_of_stages, watching
from fcmae.errors import CheckpointError
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

ARCH = Architecture(depths=(1, 2, 1, 1), dims=(2, 3, 4, 5))


def of_timm(**options: object) -> nn.Module:
    return timm.models.convnext.ConvNeXt(
        depths=(1, 2, 1, 1), dims=(2, 3, 4, 5), num_classes=0, **options
    )


@pytest.mark.parametrize(
    "net",
    [
        Encoder(ARCH),
        Classifier(ARCH, num_classes=3),
        of_timm(use_grn=True, ls_init_value=None),
        of_timm(conv_mlp=True),
    ],
    ids=["encoder", "classifier", "timm", "timm-conv"],
)
def test_blocks_are_found_in_the_order_of_an_image(net: nn.Module) -> None:
    places = blocks_of(net)
    assert [(p.stage, p.number) for p in places] == [(1, 1), (2, 1), (2, 2), (3, 1), (4, 1)]
    assert last_of_stages(places) == [0, 2, 3, 4]
    outputs: dict[int, tuple[int, ...]] = {}
    expanded: dict[int, tuple[int, ...]] = {}
    with (
        torch.no_grad(),
        watching(
            places,
            output=lambda i, x: outputs.update({i: tuple(x.shape)}),
            expanded=lambda i, x: expanded.update({i: tuple(x.shape)}),
        ),
    ):
        net(torch.randn(2, 3, 32, 64))
    shapes = [(2, 128, 2), (2, 32, 3), (2, 32, 3), (2, 8, 4), (2, 2, 5)]
    assert [outputs[i] for i in range(5)] == shapes
    assert [expanded[i] for i in range(5)] == [(n, p, 4 * c) for n, p, c in shapes]


def test_the_blocks_of_a_vision_transformer_are_one_stage() -> None:
    net = timm.models.vision_transformer.VisionTransformer(
        img_size=32, patch_size=16, embed_dim=6, depth=2, num_heads=1, num_classes=0
    )
    places = blocks_of(net)
    assert [(p.stage, p.number) for p in places] == [(1, 1), (1, 2)]
    assert all(p.contract is not None for p in places)


def test_a_net_without_blocks_is_refused() -> None:
    with pytest.raises(CheckpointError, match="Linear has no blocks that could be looked into"):
        blocks_of(nn.Linear(2, 2))


def test_maps_become_positions_in_raster_order() -> None:
    x = torch.arange(24.0).view(1, 2, 3, 4)
    expected: Tensor = x.flatten(2).transpose(1, 2)
    torch.testing.assert_close(as_positions(x), expected)
    torch.testing.assert_close(as_positions(x.permute(0, 2, 3, 1), channels_last=True), expected)
    torch.testing.assert_close(as_positions(expected), expected)


def test_nothing_is_left_on_the_net_after_a_failure() -> None:
    net = Encoder(ARCH)

    def fail(index: int, features: Tensor) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"), watching(blocks_of(net), output=fail):
        net(torch.randn(1, 3, 32, 32))
    assert not [m for m in net.modules() if m._forward_hooks or m._forward_pre_hooks]
