"""Pickle globals that PyTorch's tensors need: the only names a pickle may use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STORAGES = {
    "FloatStorage": ("float32", 4),
    "DoubleStorage": ("float64", 8),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}
"""Element type and its bytes, by the name of PyTorch's storage."""

IGNORED = {
    "_codecs.encode",
    "argparse.Namespace",
    "builtins.set",
    "collections.Counter",
    "collections.defaultdict",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "pathlib.PosixPath",
    "pathlib._local.PosixPath",
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    *(f"torch.{kind}" for kind, _ in STORAGES.values()),
}
"""What training scripts put beside the weights. It is passed over, not made."""


MAX_AXES = 8


class PickleRefusedError(ValueError):
    """The pickle is damaged, or asks for more than tensors; the text completes "its pickle"."""


@dataclass(frozen=True)
class Named:
    """A function or class that a pickle names."""

    name: str


@dataclass(frozen=True)
class Passed:
    """A thing that is not made: the call of something ignored."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Place of a tensor's numbers: a member of the archive."""

    key: str
    kind: str
    count: int


@dataclass(frozen=True)
class PickledTensor:
    """A tensor as PyTorch writes it: a view of a storage.

    Attributes:
        storage: The numbers.
        offset: Index of its first number.
        shape: Its shape.
        stride: Numbers between neighbours along each axis.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def named(module: Any, name: Any) -> Named:
    """Something named by a pickle, if weights may name it."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise PickleRefusedError("names something by what is not text")
    whole = f"{module}.{name}"
    if whole not in IGNORED and whole not in CALLS and storage_kind(whole) is None:
        raise PickleRefusedError(f"asks for {whole[:80]!r}, which is not a tensor")
    return Named(whole)


def storage_kind(name: str) -> str | None:
    """The kind of storage that this is the name of, if it is one."""
    kind = name.removeprefix("torch.")
    return kind if kind in STORAGES and name.startswith("torch.") else None


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> PickledTensor:
    """``torch._utils._rebuild_tensor_v2``: held against its storage before anything is read."""
    if (
        not isinstance(storage, Storage)
        or not isinstance(shape, tuple)
        or not isinstance(stride, tuple)
        or not len(shape) == len(stride) <= MAX_AXES
        or any(type(x) is not int or not 0 <= x < 2**60 for x in (offset, *shape, *stride))
    ):
        raise PickleRefusedError("describes a tensor that cannot be")
    count, last = 1, offset
    for size, step in zip(shape, stride, strict=True):
        count *= size
        last += max(0, size - 1) * step
    if count > storage.count or (count and last >= storage.count):
        raise PickleRefusedError(
            f"claims a tensor of shape {list(shape)} in a storage of {storage.count:,} numbers"
        )
    return PickledTensor(storage, offset, tuple(shape), tuple(stride))


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _ordered_dict(*_: Any) -> dict[str, Any]:
    return {}


CALLS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": _ordered_dict,
}
"""How PyTorch writes tensors and state dictionaries, and what stands for each call here."""
