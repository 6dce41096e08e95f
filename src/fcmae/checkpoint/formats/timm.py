"""timm: the classifier with linear layers or 1 x 1 convolutions, and ``features_only``."""

from fcmae.checkpoint.formats.form import CONVOLUTION, GRN_VECTOR, LINEAR
from fcmae.checkpoint.formats.table import NameRule, WeightFormat

HEAD = (NameRule("norm.{p}", "head.norm.{p}"), NameRule("head.{p}", "head.fc.{p}"))


def _timm(name: str, *around: NameRule, joint: str = ".", conv_mlp: bool = False) -> WeightFormat:
    """timm's names.

    Args:
        name: Of the format.
        around: Rows of what is not the encoder.
        joint: What stands between a module of the net and its number.
        conv_mlp: Whether the layers of a block are 1 x 1 convolutions.
    """
    stem, stage = f"stem{joint}", f"stages{joint}{{i}}"
    block, ours = stage + ".blocks.{j}", "encoder.stages.{i}.{j}"
    layer = CONVOLUTION if conv_mlp else LINEAR
    return WeightFormat(
        name=name,
        mark=f"{block}.conv_dw.weight",
        rows=(
            NameRule("encoder.stem.{p}", stem + "0.{p}"),
            NameRule("encoder.stem_norm.{p}", stem + "1.{p}"),
            NameRule("encoder.downsamples.{before}.norm.{p}", stage + ".downsample.0.{p}"),
            NameRule("encoder.downsamples.{before}.conv.{p}", stage + ".downsample.1.{p}"),
            NameRule(ours + ".depthwise.{p}", block + ".conv_dw.{p}"),
            NameRule(ours + ".norm.{p}", block + ".norm.{p}"),
            NameRule(ours + ".expand.weight", block + ".mlp.fc1.weight", layer),
            NameRule(ours + ".expand.bias", block + ".mlp.fc1.bias"),
            NameRule(ours + ".grn.gamma", block + ".mlp.grn.weight", GRN_VECTOR),
            NameRule(ours + ".grn.beta", block + ".mlp.grn.bias", GRN_VECTOR),
            NameRule(ours + ".contract.weight", block + ".mlp.fc2.weight", layer),
            NameRule(ours + ".contract.bias", block + ".mlp.fc2.bias"),
            NameRule(ours + ".scale.weight", block + ".gamma"),
            *around,
        ),
    )


TIMM = _timm("timm", *HEAD)
TIMM_FEATURES = _timm("timm-features", joint="_")
# Written only: what is read has either shape.
TIMM_CONV_MLP = _timm("timm", *HEAD, conv_mlp=True)
TIMM_FEATURES_CONV_MLP = _timm("timm-features", joint="_", conv_mlp=True)
