"""Format of the authors' pre-training: the encoder in MinkowskiEngine's form, and the decoder.

A sparse convolution keeps its kernel as a list of offsets that runs down the columns. Biases and
GRN parameters have a leading axis of one.
"""

from fcmae.checkpoint.formats.form import CONVOLUTION, GRN_IMAGE, GRN_ROW, AxisOrder
from fcmae.checkpoint.formats.table import NameRule, WeightFormat

DEPTHWISE = AxisOrder(ours="c 1 r s", theirs=("(s r) c",), sizes={"r": 7})
DOWNSAMPLING = AxisOrder(ours="o c r s", theirs=("(s r) c o",), sizes={"r": 2})
BIAS = AxisOrder(ours="c", theirs=("1 c", "c"))
TOKEN = AxisOrder(ours="c", theirs=("1 c 1 1",))

OFFICIAL_SPARSE = WeightFormat(
    name="official-sparse",
    mark="{net}stages.{i}.{j}.dwconv.kernel",
    nets=("encoder.", ""),
    rows=(
        NameRule("encoder.stem.{p}", "{net}downsample_layers.0.0.{p}"),
        NameRule("encoder.stem_norm.{p}", "{net}downsample_layers.0.1.{p}"),
        NameRule("encoder.downsamples.{before}.norm.{p}", "{net}downsample_layers.{i}.0.ln.{p}"),
        NameRule(
            "encoder.downsamples.{before}.conv.weight",
            "{net}downsample_layers.{i}.1.kernel",
            DOWNSAMPLING,
        ),
        NameRule(
            "encoder.downsamples.{before}.conv.bias", "{net}downsample_layers.{i}.1.bias", BIAS
        ),
        NameRule(
            "encoder.stages.{i}.{j}.depthwise.weight",
            "{net}stages.{i}.{j}.dwconv.kernel",
            DEPTHWISE,
        ),
        NameRule("encoder.stages.{i}.{j}.depthwise.bias", "{net}stages.{i}.{j}.dwconv.bias", BIAS),
        NameRule("encoder.stages.{i}.{j}.norm.{p}", "{net}stages.{i}.{j}.norm.ln.{p}"),
        NameRule("encoder.stages.{i}.{j}.expand.{p}", "{net}stages.{i}.{j}.pwconv1.linear.{p}"),
        NameRule("encoder.stages.{i}.{j}.grn.gamma", "{net}stages.{i}.{j}.grn.gamma", GRN_ROW),
        NameRule("encoder.stages.{i}.{j}.grn.beta", "{net}stages.{i}.{j}.grn.beta", GRN_ROW),
        NameRule("encoder.stages.{i}.{j}.contract.{p}", "{net}stages.{i}.{j}.pwconv2.linear.{p}"),
        NameRule("decoder.projection.weight", "proj.weight", CONVOLUTION),
        NameRule("decoder.projection.bias", "proj.bias"),
        NameRule("decoder.mask_token", "mask_token", TOKEN),
        NameRule("decoder.blocks.{j}.depthwise.{p}", "decoder.{j}.dwconv.{p}"),
        NameRule("decoder.blocks.{j}.norm.{p}", "decoder.{j}.norm.{p}"),
        NameRule("decoder.blocks.{j}.expand.{p}", "decoder.{j}.pwconv1.{p}"),
        NameRule("decoder.blocks.{j}.grn.gamma", "decoder.{j}.grn.gamma", GRN_IMAGE),
        NameRule("decoder.blocks.{j}.grn.beta", "decoder.{j}.grn.beta", GRN_IMAGE),
        NameRule("decoder.blocks.{j}.contract.{p}", "decoder.{j}.pwconv2.{p}"),
        # Values of a patch are (row, column, channel) on both sides.
        NameRule("decoder.prediction.weight", "pred.weight", CONVOLUTION),
        NameRule("decoder.prediction.bias", "pred.bias"),
    ),
)
