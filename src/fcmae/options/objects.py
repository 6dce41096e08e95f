"""Values that only Python can give, such as arrays, data sets and modules: kept as they are.

Text and YAML cannot say them, so they take no part in the conversion of text. A file of options
gives such a field two types, one for type checkers and one for this package::

    if TYPE_CHECKING:
        Images = Path | np.ndarray | Sequence[np.ndarray]
    else:
        Images = Path | Annotated[object, FromPython(alias="fcmae.data.sources.Images", words=...)]

    data: Images
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Number
from os import PathLike
from typing import Annotated, Any, Union, get_args, get_origin

PLAIN = (str, PathLike, Number, type(None))


def is_plain(value: Any) -> bool:
    """Returns whether text can say a value: a number, text, a path, or a collection of these."""
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, PLAIN):
        return True
    return not (callable(value) or isinstance(value, Iterable) or hasattr(value, "__getitem__"))


def is_object(value: Any) -> bool:
    """Returns whether text cannot say a value."""
    return not is_plain(value)


def summary(value: Any) -> str:
    """Describes an object in a few words: type, and shape, data type or length where it has them.

    A class is told by its name. Two objects of the same description need not be equal.
    """
    if isinstance(value, type):
        return f"<class {value.__module__}.{value.__qualname__}>"
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and dtype is not None:
        return f"<{kind} {' x '.join(map(str, shape))} {dtype}>"
    return f"<{kind} of {len(value)}>" if hasattr(value, "__len__") else f"<{kind}>"


@dataclass(frozen=True, kw_only=True, repr=False)
class FromPython:
    """Marks a member of a field's type whose values are objects of Python.

    Attributes:
        words: What the values are, for help and messages: ``an array n h w c``.
        alias: Dotted name of the field's whole type as type checkers see it, for the stub.
        fits: Returns whether a value is kept; all others are converted as text is.
        record: The text that a run's record holds for a value. A run is resumed if it is equal.
    """

    words: str
    alias: str
    fits: Callable[[Any], bool] = is_object
    record: Callable[[Any], str] = summary

    def __repr__(self) -> str:
        """The words, for ``help``."""
        return repr(self.words)


def split_hint(hint: Any) -> tuple[Any, FromPython | None]:
    """The type of what text can say, and the marker of what it cannot, if there is one.

    Args:
        hint: A type with its annotations, as ``get_type_hints(..., include_extras=True)`` gives it.
    """
    members = get_args(hint) if get_origin(hint) not in (Annotated, list, tuple) else ()
    markers = [found for member in members if (found := _marker(member)) is not None]
    if not markers:
        return hint, None
    text = tuple(member for member in members if _marker(member) is None)
    return Union[text], markers[0]  # noqa: UP007 (members known at run time only)


def _marker(hint: Any) -> FromPython | None:
    if get_origin(hint) is not Annotated:
        return None
    return next((x for x in hint.__metadata__ if isinstance(x, FromPython)), None)
