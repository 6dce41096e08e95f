"""Hugging Face transformers: model and backbone (no prefix), and classifier (``convnextv2.``)."""

from fcmae.checkpoint.formats.form import GRN_IMAGE
from fcmae.checkpoint.formats.table import Format, Row

STAGE = "{net}encoder.stages.{i}"
BLOCK = STAGE + ".layers.{j}"
OURS = "encoder.stages.{i}.{j}"

HUGGINGFACE = Format(
    name="huggingface",
    mark=BLOCK + ".dwconv.weight",
    nets=("", "convnext.", "convnextv2."),
    rows=(
        Row("encoder.stem.{p}", "{net}embeddings.patch_embeddings.{p}"),
        Row("encoder.stem_norm.{p}", "{net}embeddings.layernorm.{p}"),
        Row("encoder.downsamples.{before}.norm.{p}", STAGE + ".downsampling_layer.0.{p}"),
        Row("encoder.downsamples.{before}.conv.{p}", STAGE + ".downsampling_layer.1.{p}"),
        Row(OURS + ".depthwise.{p}", BLOCK + ".dwconv.{p}"),
        Row(OURS + ".norm.{p}", BLOCK + ".layernorm.{p}"),
        Row(OURS + ".expand.{p}", BLOCK + ".pwconv1.{p}"),
        # Called gamma and beta before May 2023.
        Row(OURS + ".grn.gamma", BLOCK + ".grn.weight", GRN_IMAGE, also=(BLOCK + ".grn.gamma",)),
        Row(OURS + ".grn.beta", BLOCK + ".grn.bias", GRN_IMAGE, also=(BLOCK + ".grn.beta",)),
        Row(OURS + ".contract.{p}", BLOCK + ".pwconv2.{p}"),
        Row(OURS + ".scale.weight", BLOCK + ".layer_scale_parameter"),
        Row("norm.{p}", "{net}layernorm.{p}"),
        Row("head.{p}", "classifier.{p}"),
        Row("norms.{i}.{p}", "{net}hidden_states_norms.stage{after}.{p}"),
    ),
)
