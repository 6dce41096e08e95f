"""The authors' dense form (ConvNeXt and ConvNeXt-V2 repositories); SparK's encoder has it too."""

from fcmae.checkpoint.formats.form import GRN_IMAGE
from fcmae.checkpoint.formats.table import NameRule, WeightFormat

ROWS = (
    NameRule("encoder.stem.{p}", "downsample_layers.0.0.{p}"),
    NameRule("encoder.stem_norm.{p}", "downsample_layers.0.1.{p}"),
    NameRule("encoder.downsamples.{before}.norm.{p}", "downsample_layers.{i}.0.{p}"),
    NameRule("encoder.downsamples.{before}.conv.{p}", "downsample_layers.{i}.1.{p}"),
    NameRule("encoder.stages.{i}.{j}.depthwise.{p}", "stages.{i}.{j}.dwconv.{p}"),
    NameRule("encoder.stages.{i}.{j}.norm.{p}", "stages.{i}.{j}.norm.{p}"),
    NameRule("encoder.stages.{i}.{j}.expand.{p}", "stages.{i}.{j}.pwconv1.{p}"),
    NameRule("encoder.stages.{i}.{j}.grn.gamma", "stages.{i}.{j}.grn.gamma", GRN_IMAGE),
    NameRule("encoder.stages.{i}.{j}.grn.beta", "stages.{i}.{j}.grn.beta", GRN_IMAGE),
    NameRule("encoder.stages.{i}.{j}.contract.{p}", "stages.{i}.{j}.pwconv2.{p}"),
    NameRule("encoder.stages.{i}.{j}.scale.weight", "stages.{i}.{j}.gamma"),
    NameRule("norm.{p}", "norm.{p}"),
    NameRule("head.{p}", "head.{p}"),
    # Of the backbones for detection and segmentation.
    NameRule("norms.{i}.{p}", "norm{i}.{p}"),
)
MARK = "stages.{i}.{j}.dwconv.weight"

OFFICIAL = WeightFormat(name="official", rows=ROWS, mark=MARK)
