"""mmpretrain: ``norm3`` is the norm before a classifier, or with others the last of a pyramid."""

from fcmae.checkpoint.formats.form import GRN_VECTOR, LINEAR
from fcmae.checkpoint.formats.table import Format, Row

STAGE = "{net}stages.{i}.{j}"
OURS = "encoder.stages.{i}.{j}"
INNER_NORMS = ("norm0.weight", "norm1.weight", "norm2.weight")


def _mmpretrain(
    *norms: Row, name: str, needs: tuple[str, ...] = (), lacks: tuple[str, ...] = ()
) -> Format:
    return Format(
        name=name,
        mark=STAGE + ".depthwise_conv.weight",
        nets=("backbone.", ""),
        needs=needs,
        lacks=lacks,
        rows=(
            Row("encoder.stem.{p}", "{net}downsample_layers.0.0.{p}"),
            Row("encoder.stem_norm.{p}", "{net}downsample_layers.0.1.{p}"),
            Row("encoder.downsamples.{before}.norm.{p}", "{net}downsample_layers.{i}.0.{p}"),
            Row("encoder.downsamples.{before}.conv.{p}", "{net}downsample_layers.{i}.1.{p}"),
            Row(OURS + ".depthwise.{p}", STAGE + ".depthwise_conv.{p}"),
            Row(OURS + ".norm.{p}", STAGE + ".norm.{p}"),
            Row(OURS + ".expand.weight", STAGE + ".pointwise_conv1.weight", LINEAR),
            Row(OURS + ".expand.bias", STAGE + ".pointwise_conv1.bias"),
            Row(OURS + ".grn.gamma", STAGE + ".grn.gamma", GRN_VECTOR),
            Row(OURS + ".grn.beta", STAGE + ".grn.beta", GRN_VECTOR),
            Row(OURS + ".contract.weight", STAGE + ".pointwise_conv2.weight", LINEAR),
            Row(OURS + ".contract.bias", STAGE + ".pointwise_conv2.bias"),
            Row(OURS + ".scale.weight", STAGE + ".gamma"),
            Row("head.{p}", "head.fc.{p}"),
            *norms,
        ),
    )


MMPRETRAIN = _mmpretrain(Row("norm.{p}", "{net}norm3.{p}"), name="mmpretrain", lacks=INNER_NORMS)
MMPRETRAIN_PYRAMID = _mmpretrain(
    Row("norms.{i}.{p}", "{net}norm{i}.{p}"), name="mmpretrain-pyramid", needs=INNER_NORMS
)
