"""torchvision, which has ConvNeXt V1 only: stages and downsampling layers take turns in a list."""

from fcmae.checkpoint.formats.form import Form
from fcmae.checkpoint.formats.table import Format, Row

BLOCK = "features.{odd}.{j}"
OURS = "encoder.stages.{i}.{j}"

TORCHVISION = Format(
    name="torchvision",
    mark=BLOCK + ".block.0.weight",
    rows=(
        Row("encoder.stem.{p}", "features.0.0.{p}"),
        Row("encoder.stem_norm.{p}", "features.0.1.{p}"),
        Row("encoder.downsamples.{before}.norm.{p}", "features.{even}.0.{p}"),
        Row("encoder.downsamples.{before}.conv.{p}", "features.{even}.1.{p}"),
        Row(OURS + ".depthwise.{p}", BLOCK + ".block.0.{p}"),
        Row(OURS + ".norm.{p}", BLOCK + ".block.2.{p}"),
        Row(OURS + ".expand.{p}", BLOCK + ".block.3.{p}"),
        Row(OURS + ".contract.{p}", BLOCK + ".block.5.{p}"),
        Row(OURS + ".scale.weight", BLOCK + ".layer_scale", Form(ours="c", theirs=("c 1 1",))),
        Row("norm.{p}", "classifier.0.{p}"),
        Row("head.{p}", "classifier.2.{p}"),
    ),
)
