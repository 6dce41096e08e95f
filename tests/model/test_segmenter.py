"""UPerNet: equal to Hugging Face's, as large as the paper's, blind to the rest of the batch."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from fcmae.model.build import describe, rebuild
from fcmae.model.freezing import frozen_parts
from fcmae.model.options import Architecture, UPerNet, architecture
from fcmae.model.pooling import average_pool
from fcmae.model.segmenter import Segmenter

SMALL = Architecture(depths=(1, 1, 2, 1), dims=(8, 16, 24, 32))
NARROW = UPerNet(width=32, auxiliary_width=16)

# Hugging Face's names, in order; what is matched first wins.
STAGE = r"backbone\.encoder\.stages\.(\d)"
BLOCK = rf"{STAGE}\.layers\.(\d+)"
HUGGING_FACE = {
    r"backbone\.embeddings\.patch_embeddings\.(.*)": r"encoder.stem.\1",
    r"backbone\.embeddings\.layernorm\.(.*)": r"encoder.stem_norm.\1",
    rf"{STAGE}\.downsampling_layer\.0\.(.*)": r"encoder.downsamples.-\1.norm.\2",
    rf"{STAGE}\.downsampling_layer\.1\.(.*)": r"encoder.downsamples.-\1.conv.\2",
    rf"{BLOCK}\.dwconv\.(.*)": r"encoder.stages.\1.\2.depthwise.\3",
    rf"{BLOCK}\.layernorm\.(.*)": r"encoder.stages.\1.\2.norm.\3",
    rf"{BLOCK}\.pwconv1\.(.*)": r"encoder.stages.\1.\2.expand.\3",
    rf"{BLOCK}\.pwconv2\.(.*)": r"encoder.stages.\1.\2.contract.\3",
    rf"{BLOCK}\.grn\.weight": r"encoder.stages.\1.\2.grn.gamma",
    rf"{BLOCK}\.grn\.bias": r"encoder.stages.\1.\2.grn.beta",
    r"backbone\.hidden_states_norms\.stage(\d)\.(.*)": r"norms.-\1.\2",
    r"decode_head\.classifier\.(.*)": r"head.classify.\1",
    r"decode_head\.psp_modules\.(\d)\.1\.(.*)": r"head.pooling.branches.\1.\2",
    r"decode_head\.bottleneck\.(.*)": r"head.pooling.join.\1",
    r"decode_head\.lateral_convs\.(\d)\.(.*)": r"head.laterals.\1.\2",
    r"decode_head\.fpn_convs\.(\d)\.(.*)": r"head.smooth.\1.\2",
    r"decode_head\.fpn_bottleneck\.(.*)": r"head.join.\1",
    r"auxiliary_head\.convs\.0\.(.*)": r"auxiliary.conv.\1",
    r"auxiliary_head\.classifier\.(.*)": r"auxiliary.classify.\1",
}  # fmt: skip


def converted(theirs: dict[str, Tensor], ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under our names; a number after a minus counts from 1."""
    found = {}
    for name, x in theirs.items():
        [new] = [
            re.sub(pattern, ours_, name)
            for pattern, ours_ in HUGGING_FACE.items()
            if re.fullmatch(pattern, name)
        ]
        new = re.sub(r"-(\d)", lambda number: str(int(number[1]) - 1), new)
        new = new.replace(".batch_norm.", ".norm.")
        found[new] = x.reshape(ours[new].shape)
    return found


def test_it_is_hugging_faces_upernet() -> None:
    from transformers import ConvNextV2Config, UperNetConfig, UperNetForSemanticSegmentation

    config = UperNetConfig(
        backbone_config=ConvNextV2Config(
            hidden_sizes=list(SMALL.dims),
            depths=list(SMALL.depths),
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        hidden_size=32,
        auxiliary_channels=16,
        num_labels=5,
    )
    theirs = UperNetForSemanticSegmentation(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            nn.init.normal_(parameter, std=0.2)
        for name, buffer in theirs.named_buffers():
            if name.endswith("running_mean"):
                nn.init.normal_(buffer)
            elif name.endswith("running_var"):
                nn.init.uniform_(buffer, 0.5, 2.0)
    head = UPerNet(width=32, auxiliary_width=16, norm="batch")
    ours = Segmenter(SMALL, num_classes=5, head=head).eval()
    ours.load_state_dict(converted(theirs.state_dict(), ours.state_dict()))
    images = torch.randn(2, 3, 96, 160)
    with torch.no_grad():
        expected = theirs(images).logits
        auxiliary = theirs.auxiliary_head(theirs.backbone(images).feature_maps)
        scores, both = ours(images), ours.both(images)
    size = float(expected.abs().max())
    assert_close(scores, expected, rtol=0, atol=1e-5 * size)
    assert_close(both.auxiliary, auxiliary, rtol=0, atol=1e-5 * float(auxiliary.abs().max()))


@pytest.mark.parametrize(("name", "millions"), [("base", 122), ("large", 235), ("huge", 707)])
def test_it_is_as_large_as_the_papers(name: str, millions: int) -> None:
    # Table 7
    with torch.device("meta"):
        model = Segmenter(architecture(name), num_classes=150)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == pytest.approx(millions, abs=1)


@pytest.mark.parametrize("side", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(4, 7), (16, 16), (6, 5)])
def test_pooling_is_pytorchs(side: int, size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    assert_close(average_pool(x, side), F.adaptive_avg_pool2d(x, side))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("channels", "stem"), [(3, 4), (5, 2)])
def test_scores_lie_on_the_pixels(version: int, channels: int, stem: int) -> None:
    shape = Architecture(
        version=version, depths=(1, 1, 1, 1), dims=(8, 16, 16, 24), channels=channels, stem=stem
    )
    model = Segmenter(shape, num_classes=4, head=NARROW)
    images = torch.randn(2, channels, 64, 96)
    assert model(images).shape == (2, 4, 64, 96)
    both = model.both(images)
    assert both.scores.shape == (2, 4, 64 // stem, 96 // stem)
    assert both.auxiliary.shape == (2, 4, 16 // stem, 24 // stem)


def test_an_image_alone_is_scored_as_in_a_batch() -> None:
    model = Segmenter(SMALL, num_classes=4, head=UPerNet(width=32, auxiliary_width=16, dropout=0.0))
    images = torch.randn(3, 3, 32, 64)
    together = model.train().both(images)
    for i in range(3):
        alone = model.both(images[i : i + 1])
        assert_close(alone.scores[0], together.scores[i], rtol=1e-4, atol=1e-5)
        assert_close(alone.auxiliary[0], together.auxiliary[i], rtol=1e-4, atol=1e-5)


def test_every_weight_learns() -> None:
    model = Segmenter(SMALL, num_classes=4, head=NARROW)
    for module in model.modules():  # GRN starts without an effect
        if hasattr(module, "gamma"):
            nn.init.ones_(module.gamma)
    both = model.both(torch.randn(1, 3, 64, 64))
    (both.scores.square().mean() + both.auxiliary.square().mean()).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_it_can_be_described_and_rebuilt() -> None:
    model = Segmenter(SMALL, num_classes=7, head=NARROW)
    again = rebuild(describe(model))
    assert describe(again) == describe(model)
    again.load_state_dict(model.state_dict())


def test_frozen_stages_are_the_first_ones() -> None:
    encoder = Segmenter(SMALL, num_classes=2, head=NARROW).encoder
    assert frozen_parts(encoder, 0) == []
    parts = frozen_parts(encoder, 2)
    names = {name for name, module in encoder.named_modules() if any(module is p for p in parts)}
    assert names == {"stem", "stem_norm", "stages.0", "stages.1", "downsamples.0"}
    whole = {id(p) for part in frozen_parts(encoder, 4) for p in part.parameters()}
    assert whole == {id(p) for p in encoder.parameters()}
    with pytest.raises(ValueError, match="5 stages cannot be frozen: the encoder has 4"):
        frozen_parts(encoder, 5)


def test_a_head_needs_widths_that_groups_divide() -> None:
    with pytest.raises(ValueError, match=r"head\.width is 100, but must be a multiple of 16"):
        UPerNet(width=100)
    with pytest.raises(ValueError, match="num_classes is 1, but must be at least 2"):
        Segmenter(SMALL, num_classes=1)
