"""mmpretrain: ``norm3`` is the norm before a classifier, or with others the last of a pyramid."""

from fcmae.checkpoint.formats.form import GRN_VECTOR, LINEAR
from fcmae.checkpoint.formats.table import NameRule, WeightFormat

STAGE = "{net}stages.{i}.{j}"
OURS = "encoder.stages.{i}.{j}"
INNER_NORMS = ("norm0.weight", "norm1.weight", "norm2.weight")


def _mmpretrain(
    *norms: NameRule, name: str, needs: tuple[str, ...] = (), lacks: tuple[str, ...] = ()
) -> WeightFormat:
    return WeightFormat(
        name=name,
        mark=STAGE + ".depthwise_conv.weight",
        nets=("backbone.", ""),
        needs=needs,
        lacks=lacks,
        rows=(
            NameRule("encoder.stem.{p}", "{net}downsample_layers.0.0.{p}"),
            NameRule("encoder.stem_norm.{p}", "{net}downsample_layers.0.1.{p}"),
            NameRule("encoder.downsamples.{before}.norm.{p}", "{net}downsample_layers.{i}.0.{p}"),
            NameRule("encoder.downsamples.{before}.conv.{p}", "{net}downsample_layers.{i}.1.{p}"),
            NameRule(OURS + ".depthwise.{p}", STAGE + ".depthwise_conv.{p}"),
            NameRule(OURS + ".norm.{p}", STAGE + ".norm.{p}"),
            NameRule(OURS + ".expand.weight", STAGE + ".pointwise_conv1.weight", LINEAR),
            NameRule(OURS + ".expand.bias", STAGE + ".pointwise_conv1.bias"),
            NameRule(OURS + ".grn.gamma", STAGE + ".grn.gamma", GRN_VECTOR),
            NameRule(OURS + ".grn.beta", STAGE + ".grn.beta", GRN_VECTOR),
            NameRule(OURS + ".contract.weight", STAGE + ".pointwise_conv2.weight", LINEAR),
            NameRule(OURS + ".contract.bias", STAGE + ".pointwise_conv2.bias"),
            NameRule(OURS + ".scale.weight", STAGE + ".gamma"),
            NameRule("head.{p}", "head.fc.{p}"),
            *norms,
        ),
    )


MMPRETRAIN = _mmpretrain(
    NameRule("norm.{p}", "{net}norm3.{p}"), name="mmpretrain", lacks=INNER_NORMS
)
MMPRETRAIN_PYRAMID = _mmpretrain(
    NameRule("norms.{i}.{p}", "{net}norm{i}.{p}"), name="mmpretrain-pyramid", needs=INNER_NORMS
)
