"""ConvNeXt V2 and its fully convolutional masked autoencoder.

The functions are the commands of ``fcmae`` and take their flags as keyword arguments; the classes
are the parts to build with. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcmae.cli.api import (
        ablate,
        analyze,
        bench,
        check,
        contrast,
        convert,
        cost,
        demo,
        embed,
        evaluate,
        export,
        finetune,
        info,
        launch,
        load,
        pack,
        predict,
        pretrain,
        reconstruct,
        report,
    )
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.model.classifier import Classifier
    from fcmae.model.encoder import Encoder
    from fcmae.model.layers import GRN

__version__ = "0.1.0"

__all__ = [
    "GRN",
    "Autoencoder",
    "Classifier",
    "Encoder",
    "ablate",
    "analyze",
    "bench",
    "check",
    "contrast",
    "convert",
    "cost",
    "demo",
    "embed",
    "evaluate",
    "export",
    "finetune",
    "info",
    "launch",
    "load",
    "pack",
    "predict",
    "pretrain",
    "reconstruct",
    "report",
]

_HOMES = {
    "GRN": "fcmae.model.layers",
    "Autoencoder": "fcmae.model.autoencoder",
    "Classifier": "fcmae.model.classifier",
    "Encoder": "fcmae.model.encoder",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'fcmae' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "fcmae.cli.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
