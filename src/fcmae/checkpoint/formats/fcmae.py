"""Our own names, in files without our card, such as those of ``torch.save(model.state_dict())``."""

from fcmae.checkpoint.formats.table import NameRule, WeightFormat

ENCODER = (
    "stem.{p}",
    "stem_norm.{p}",
    "downsamples.{before}.norm.{p}",
    "downsamples.{before}.conv.{p}",
    "stages.{i}.{j}.depthwise.{p}",
    "stages.{i}.{j}.norm.{p}",
    "stages.{i}.{j}.expand.{p}",
    "stages.{i}.{j}.grn.gamma",
    "stages.{i}.{j}.grn.beta",
    "stages.{i}.{j}.contract.{p}",
    "stages.{i}.{j}.scale.weight",
)
AROUND = (
    "norm.{p}",
    "head.{p}",
    "norms.{i}.{p}",
    "decoder.projection.{p}",
    "decoder.mask_token",
    "decoder.blocks.{j}.depthwise.{p}",
    "decoder.blocks.{j}.norm.{p}",
    "decoder.blocks.{j}.expand.{p}",
    "decoder.blocks.{j}.grn.gamma",
    "decoder.blocks.{j}.grn.beta",
    "decoder.blocks.{j}.contract.{p}",
    "decoder.prediction.{p}",
)
FCMAE = WeightFormat(
    name="fcmae",
    mark="{net}stages.{i}.{j}.depthwise.weight",
    nets=("encoder.", ""),
    rows=(
        *(NameRule(f"encoder.{name}", "{net}" + name) for name in ENCODER),
        *(NameRule(name, name) for name in AROUND),
    ),
)
