"""Hugging Face transformers: model and backbone (no prefix), and classifier (``convnextv2.``)."""

from fcmae.checkpoint.formats.form import GRN_IMAGE
from fcmae.checkpoint.formats.table import NameRule, WeightFormat

STAGE = "{net}encoder.stages.{i}"
BLOCK = STAGE + ".layers.{j}"
OURS = "encoder.stages.{i}.{j}"

HUGGINGFACE = WeightFormat(
    name="huggingface",
    mark=BLOCK + ".dwconv.weight",
    nets=("", "convnext.", "convnextv2."),
    rows=(
        NameRule("encoder.stem.{p}", "{net}embeddings.patch_embeddings.{p}"),
        NameRule("encoder.stem_norm.{p}", "{net}embeddings.layernorm.{p}"),
        NameRule("encoder.downsamples.{before}.norm.{p}", STAGE + ".downsampling_layer.0.{p}"),
        NameRule("encoder.downsamples.{before}.conv.{p}", STAGE + ".downsampling_layer.1.{p}"),
        NameRule(OURS + ".depthwise.{p}", BLOCK + ".dwconv.{p}"),
        NameRule(OURS + ".norm.{p}", BLOCK + ".layernorm.{p}"),
        NameRule(OURS + ".expand.{p}", BLOCK + ".pwconv1.{p}"),
        # Called gamma and beta before May 2023.
        NameRule(
            OURS + ".grn.gamma", BLOCK + ".grn.weight", GRN_IMAGE, also=(BLOCK + ".grn.gamma",)
        ),
        NameRule(OURS + ".grn.beta", BLOCK + ".grn.bias", GRN_IMAGE, also=(BLOCK + ".grn.beta",)),
        NameRule(OURS + ".contract.{p}", BLOCK + ".pwconv2.{p}"),
        NameRule(OURS + ".scale.weight", BLOCK + ".layer_scale_parameter"),
        NameRule("norm.{p}", "{net}layernorm.{p}"),
        NameRule("head.{p}", "classifier.{p}"),
        NameRule("norms.{i}.{p}", "{net}hidden_states_norms.stage{after}.{p}"),
    ),
)
