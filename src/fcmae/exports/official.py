"""The authors' code: dense weights, or with a decoder the form that their pre-training reads."""

import json
from pathlib import Path

from torch import nn

from fcmae.checkpoint.formats.official import OFFICIAL
from fcmae.checkpoint.formats.sparse import OFFICIAL_SPARSE
from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import FILES
from fcmae.exports.parts import tensors_of
from fcmae.exports.pickled import save

FILE = FILES["official"][0]


def write(model: nn.Module, facts: ExportFacts, folder: Path) -> None:
    """One file, the weights under ``model`` as the authors' own."""
    format = OFFICIAL_SPARSE if facts.part == "autoencoder" else OFFICIAL
    save(folder / FILE, format.write(tensors_of(model, facts.part)), facts)


def lines(facts: ExportFacts, folder: Path) -> list[str]:
    """The lines of Python that open the file, in a checkout of the authors' repository."""
    path = json.dumps(str(folder / FILE))
    load = f'torch.load({path}, weights_only=True)["model"]'
    if facts.part == "pyramid":
        # Their backbones need mmdetection or mmsegmentation, which build them from configurations.
        return ["import torch", f"weights = {load}  # for ConvNeXt in their object_detection/"]
    arch = facts.architecture
    sizes = f"in_chans={arch.channels}, depths={list(arch.depths)}, dims={list(arch.dims)}"
    if facts.part == "autoencoder":
        return [
            "import torch",
            "from models.fcmae import FCMAE  # with MinkowskiEngine",
            f"model = FCMAE(img_size={facts.size[0]}, {sizes}, {_decoder(facts)})",
            f"model.load_state_dict({load})",
        ]
    module, name = ("convnextv2", "ConvNeXtV2") if arch.version == 2 else ("convnext", "ConvNeXt")
    classes = f", num_classes={facts.num_classes}" if facts.part == "classifier" else ""
    whole = "" if facts.part == "classifier" else ", strict=False"  # there is no head
    return [
        "import torch",
        f"from models.{module} import {name}",
        f"model = {name}({sizes}{classes}).eval()",
        f"model.load_state_dict({load}{whole})",
    ]


def _decoder(facts: ExportFacts) -> str:
    options = facts.card.model["decoder"]
    side = facts.architecture.stride
    return (
        f"decoder_depth={options['depth']}, decoder_embed_dim={options['width']}, patch_size={side}"
    )
