"""torchvision, which has ConvNeXt V1 only: stages and downsampling layers take turns in a list."""

from fcmae.checkpoint.formats.form import AxisOrder
from fcmae.checkpoint.formats.table import NameRule, WeightFormat

BLOCK = "features.{odd}.{j}"
OURS = "encoder.stages.{i}.{j}"

TORCHVISION = WeightFormat(
    name="torchvision",
    mark=BLOCK + ".block.0.weight",
    rows=(
        NameRule("encoder.stem.{p}", "features.0.0.{p}"),
        NameRule("encoder.stem_norm.{p}", "features.0.1.{p}"),
        NameRule("encoder.downsamples.{before}.norm.{p}", "features.{even}.0.{p}"),
        NameRule("encoder.downsamples.{before}.conv.{p}", "features.{even}.1.{p}"),
        NameRule(OURS + ".depthwise.{p}", BLOCK + ".block.0.{p}"),
        NameRule(OURS + ".norm.{p}", BLOCK + ".block.2.{p}"),
        NameRule(OURS + ".expand.{p}", BLOCK + ".block.3.{p}"),
        NameRule(OURS + ".contract.{p}", BLOCK + ".block.5.{p}"),
        NameRule(
            OURS + ".scale.weight", BLOCK + ".layer_scale", AxisOrder(ours="c", theirs=("c 1 1",))
        ),
        NameRule("norm.{p}", "classifier.0.{p}"),
        NameRule("head.{p}", "classifier.2.{p}"),
    ),
)
