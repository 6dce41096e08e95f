"""Format of the authors' pre-training: the encoder in MinkowskiEngine's form, and the decoder.

A sparse convolution keeps its kernel as a list of offsets that runs down the columns. Biases and
GRN parameters have a leading axis of one.
"""

from fcmae.checkpoint.formats.form import CONVOLUTION, GRN_IMAGE, GRN_ROW, Form
from fcmae.checkpoint.formats.table import Format, Row

DEPTHWISE = Form(ours="c 1 r s", theirs=("(s r) c",), sizes={"r": 7})
DOWNSAMPLING = Form(ours="o c r s", theirs=("(s r) c o",), sizes={"r": 2})
BIAS = Form(ours="c", theirs=("1 c", "c"))
TOKEN = Form(ours="c", theirs=("1 c 1 1",))

OFFICIAL_SPARSE = Format(
    name="official-sparse",
    mark="{net}stages.{i}.{j}.dwconv.kernel",
    nets=("encoder.", ""),
    rows=(
        Row("encoder.stem.{p}", "{net}downsample_layers.0.0.{p}"),
        Row("encoder.stem_norm.{p}", "{net}downsample_layers.0.1.{p}"),
        Row("encoder.downsamples.{before}.norm.{p}", "{net}downsample_layers.{i}.0.ln.{p}"),
        Row(
            "encoder.downsamples.{before}.conv.weight",
            "{net}downsample_layers.{i}.1.kernel",
            DOWNSAMPLING,
        ),
        Row("encoder.downsamples.{before}.conv.bias", "{net}downsample_layers.{i}.1.bias", BIAS),
        Row(
            "encoder.stages.{i}.{j}.depthwise.weight",
            "{net}stages.{i}.{j}.dwconv.kernel",
            DEPTHWISE,
        ),
        Row("encoder.stages.{i}.{j}.depthwise.bias", "{net}stages.{i}.{j}.dwconv.bias", BIAS),
        Row("encoder.stages.{i}.{j}.norm.{p}", "{net}stages.{i}.{j}.norm.ln.{p}"),
        Row("encoder.stages.{i}.{j}.expand.{p}", "{net}stages.{i}.{j}.pwconv1.linear.{p}"),
        Row("encoder.stages.{i}.{j}.grn.gamma", "{net}stages.{i}.{j}.grn.gamma", GRN_ROW),
        Row("encoder.stages.{i}.{j}.grn.beta", "{net}stages.{i}.{j}.grn.beta", GRN_ROW),
        Row("encoder.stages.{i}.{j}.contract.{p}", "{net}stages.{i}.{j}.pwconv2.linear.{p}"),
        Row("decoder.projection.weight", "proj.weight", CONVOLUTION),
        Row("decoder.projection.bias", "proj.bias"),
        Row("decoder.mask_token", "mask_token", TOKEN),
        Row("decoder.blocks.{j}.depthwise.{p}", "decoder.{j}.dwconv.{p}"),
        Row("decoder.blocks.{j}.norm.{p}", "decoder.{j}.norm.{p}"),
        Row("decoder.blocks.{j}.expand.{p}", "decoder.{j}.pwconv1.{p}"),
        Row("decoder.blocks.{j}.grn.gamma", "decoder.{j}.grn.gamma", GRN_IMAGE),
        Row("decoder.blocks.{j}.grn.beta", "decoder.{j}.grn.beta", GRN_IMAGE),
        Row("decoder.blocks.{j}.contract.{p}", "decoder.{j}.pwconv2.{p}"),
        # Values of a patch are (row, column, channel) on both sides.
        Row("decoder.prediction.weight", "pred.weight", CONVOLUTION),
        Row("decoder.prediction.bias", "pred.bias"),
    ),
)
