"""Files for ``torch.load``: tensors and plain values only, read back before they count."""

import json
from pathlib import Path

import torch

from fcmae.checkpoint.tensors import Tensors
from fcmae.errors import StorageError
from fcmae.exports.facts import ExportFacts


def save(path: Path, tensors: Tensors, facts: ExportFacts) -> None:
    """Write ``{"model": weights, "facts": ...}``.

    Raises:
        StorageError: What stands in the file is not what was written.
    """
    ready = {name: x.detach().cpu().contiguous() for name, x in tensors.items()}
    told = json.loads(json.dumps(facts.told()))  # lists and text: what any reader takes
    torch.save({"model": ready, "facts": told}, path)
    written = torch.load(path, weights_only=True)["model"]
    if not all(torch.equal(written[name], x) for name, x in ready.items()):
        raise StorageError(f"{path} does not hold what was written to it: the disk is faulty.")
