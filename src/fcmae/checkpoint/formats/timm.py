"""timm: the classifier with linear layers or 1 x 1 convolutions, and ``features_only``."""

from fcmae.checkpoint.formats.form import CONVOLUTION, GRN_VECTOR, LINEAR
from fcmae.checkpoint.formats.table import Format, Row

HEAD = (Row("norm.{p}", "head.norm.{p}"), Row("head.{p}", "head.fc.{p}"))


def _timm(name: str, *around: Row, joint: str = ".", conv_mlp: bool = False) -> Format:
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
    return Format(
        name=name,
        mark=f"{block}.conv_dw.weight",
        rows=(
            Row("encoder.stem.{p}", stem + "0.{p}"),
            Row("encoder.stem_norm.{p}", stem + "1.{p}"),
            Row("encoder.downsamples.{before}.norm.{p}", stage + ".downsample.0.{p}"),
            Row("encoder.downsamples.{before}.conv.{p}", stage + ".downsample.1.{p}"),
            Row(ours + ".depthwise.{p}", block + ".conv_dw.{p}"),
            Row(ours + ".norm.{p}", block + ".norm.{p}"),
            Row(ours + ".expand.weight", block + ".mlp.fc1.weight", layer),
            Row(ours + ".expand.bias", block + ".mlp.fc1.bias"),
            Row(ours + ".grn.gamma", block + ".mlp.grn.weight", GRN_VECTOR),
            Row(ours + ".grn.beta", block + ".mlp.grn.bias", GRN_VECTOR),
            Row(ours + ".contract.weight", block + ".mlp.fc2.weight", layer),
            Row(ours + ".contract.bias", block + ".mlp.fc2.bias"),
            Row(ours + ".scale.weight", block + ".gamma"),
            *around,
        ),
    )


TIMM = _timm("timm", *HEAD)
TIMM_FEATURES = _timm("timm-features", joint="_")
# Written only: what is read has either shape.
TIMM_CONV_MLP = _timm("timm", *HEAD, conv_mlp=True)
TIMM_FEATURES_CONV_MLP = _timm("timm-features", joint="_", conv_mlp=True)
