"""ConvNeXt V2 and its fully convolutional masked autoencoder.

Most functions are the commands of ``fcmae`` and take their flags as keyword arguments. ``fit``
trains the model of any ``Task``, and ``register`` names a kind of models. The classes are the parts
to build with. Nothing is imported before it is used.
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
    from fcmae.data.batch import Batch
    from fcmae.data.feed import Feed
    from fcmae.data.options import Loader
    from fcmae.engine.fit import fit
    from fcmae.engine.options import Run
    from fcmae.loss.options import Target
    from fcmae.masking import Mask
    from fcmae.model.autoencoder import Autoencoder
    from fcmae.model.build import register
    from fcmae.model.classifier import Classifier
    from fcmae.model.detector import Detector
    from fcmae.model.encoder import Encoder
    from fcmae.model.estimator import Estimator
    from fcmae.model.layers import GRN
    from fcmae.model.options import Architecture, DecoderOptions
    from fcmae.model.segmenter import Segmenter
    from fcmae.optim.options import Optim
    from fcmae.task import Evaluation, Step, Task

__version__ = "0.1.0"

__all__ = [
    "GRN",
    "Architecture",
    "Autoencoder",
    "Batch",
    "Classifier",
    "DecoderOptions",
    "Detector",
    "Encoder",
    "Estimator",
    "Evaluation",
    "Feed",
    "Loader",
    "Mask",
    "Optim",
    "Run",
    "Segmenter",
    "Step",
    "Target",
    "Task",
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
    "fit",
    "info",
    "launch",
    "load",
    "pack",
    "predict",
    "pretrain",
    "reconstruct",
    "register",
    "report",
]

_HOMES = {
    "GRN": "fcmae.model.layers",
    "Architecture": "fcmae.model.options",
    "Autoencoder": "fcmae.model.autoencoder",
    "Batch": "fcmae.data.batch",
    "Classifier": "fcmae.model.classifier",
    "DecoderOptions": "fcmae.model.options",
    "Detector": "fcmae.model.detector",
    "Encoder": "fcmae.model.encoder",
    "Estimator": "fcmae.model.estimator",
    "Evaluation": "fcmae.task",
    "Feed": "fcmae.data.feed",
    "Loader": "fcmae.data.options",
    "Mask": "fcmae.masking",
    "Optim": "fcmae.optim.options",
    "Run": "fcmae.engine.options",
    "Segmenter": "fcmae.model.segmenter",
    "Step": "fcmae.task",
    "Target": "fcmae.loss.options",
    "Task": "fcmae.task",
    "fit": "fcmae.engine.fit",
    "register": "fcmae.model.build",
}
"""Module of each public name; that of the commands is ``fcmae.cli.api``."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'fcmae' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "fcmae.cli.api")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
