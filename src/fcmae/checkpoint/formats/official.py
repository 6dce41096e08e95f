"""The authors' dense form (ConvNeXt and ConvNeXt-V2 repositories); SparK's encoder has it too."""

from fcmae.checkpoint.formats.form import GRN_IMAGE
from fcmae.checkpoint.formats.table import Format, Row

ROWS = (
    Row("encoder.stem.{p}", "downsample_layers.0.0.{p}"),
    Row("encoder.stem_norm.{p}", "downsample_layers.0.1.{p}"),
    Row("encoder.downsamples.{before}.norm.{p}", "downsample_layers.{i}.0.{p}"),
    Row("encoder.downsamples.{before}.conv.{p}", "downsample_layers.{i}.1.{p}"),
    Row("encoder.stages.{i}.{j}.depthwise.{p}", "stages.{i}.{j}.dwconv.{p}"),
    Row("encoder.stages.{i}.{j}.norm.{p}", "stages.{i}.{j}.norm.{p}"),
    Row("encoder.stages.{i}.{j}.expand.{p}", "stages.{i}.{j}.pwconv1.{p}"),
    Row("encoder.stages.{i}.{j}.grn.gamma", "stages.{i}.{j}.grn.gamma", GRN_IMAGE),
    Row("encoder.stages.{i}.{j}.grn.beta", "stages.{i}.{j}.grn.beta", GRN_IMAGE),
    Row("encoder.stages.{i}.{j}.contract.{p}", "stages.{i}.{j}.pwconv2.{p}"),
    Row("encoder.stages.{i}.{j}.scale.weight", "stages.{i}.{j}.gamma"),
    Row("norm.{p}", "norm.{p}"),
    Row("head.{p}", "head.{p}"),
    # Of the backbones for detection and segmentation.
    Row("norms.{i}.{p}", "norm{i}.{p}"),
)
MARK = "stages.{i}.{j}.dwconv.weight"

OFFICIAL = Format(name="official", rows=ROWS, mark=MARK)
