"""ConvNeXt V2 and its fully convolutional masked autoencoder.

Most functions are the commands of ``fcmae``: they take their flags as keyword arguments, or their
options as one dataclass. ``fit`` trains the model of any ``Task``, and ``register`` names a kind of
models. The other classes are the parts to build with, and what the functions return. Nothing is
imported before it is used.

Public names stand in the table of ``public.py``, from which ``python -m fcmae.cli.stub`` writes
what type checkers read, ``__init__.pyi``.
"""

from importlib import import_module
from typing import Any

from fcmae.public import PLACES

__version__ = "0.1.0"

__all__ = list(PLACES)


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module 'fcmae' has no attribute {name!r}")
    module, there = PLACES[name]
    return getattr(import_module(module), there)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
