"""Values of a plan, which come as the texts that were typed."""

import re
from typing import Any, Literal

Direction = Literal["maximize", "minimize"]
LOW_IS_GOOD = {
    "err", "error", "errors", "loss", "losses", "mae", "mape", "mse", "msle", "nll", "perplexity",
    "rmse", "rmsle",
}  # fmt: skip
"""Words in the names of numbers of which the lowest is the best."""

REVERSED = {"neg", "negative"}
"""Words that turn them round, as in scikit-learn's neg_mean_squared_error."""

OF_WHAT = {
    "average", "avg", "best", "final", "first", "last", "max", "mean", "median", "min", "sum",
    "total", "train", "val", "value",
}  # fmt: skip
"""Words for one of several numbers; what these are is told by the part before them."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""A word of a name, be they divided by anything or by capitals, as in meanAbsError."""


def values_of(values: Any, key: str) -> list[str]:
    """A list of different values."""
    if not isinstance(values, list) or not values:
        raise ValueError(f"{key} is {values!r}, but must be a list of values.")
    texts = [_one_value(value, key) for value in values]
    if len(set(texts)) < len(texts):
        raise ValueError(f"{key} has a value twice: {', '.join(texts)}.")
    return texts


def _one_value(value: Any, key: str) -> str:
    """A value of an option as it is typed."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return f"[{','.join(value)}]"
    raise ValueError(f"{key} has {value!r}, but each must be a value, or a list of such.")


def seeds_of(values: Any) -> tuple[int, ...]:
    """Seeds, each once."""
    texts = values if isinstance(values, list) else [values]
    if not texts or not all(isinstance(text, str) and text.isdecimal() for text in texts):
        raise ValueError(f"seeds is {values!r}, but must be whole numbers of 0 or more.")
    return tuple(dict.fromkeys(map(int, texts)))


def number_of(text: Any, what: str) -> float:
    """A number."""
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ValueError(f"{what} is {text!r}, but must be a number.") from None


def yes(text: Any, key: str) -> bool:
    """True if a value says so."""
    if text not in ("true", "false"):
        raise ValueError(f"{key} is {text!r}, but must be true or false.")
    return bool(text == "true")


def direction_of(text: Any, key: str, path: str) -> Direction:
    """Direction of a metric: as it is said, else by its name.

    Args:
        text: What the plan says; None where it says nothing.
        key: Where it says it.
        path: The number, as in ``metrics.loss``.
    """
    if text is None:
        words = _telling_words(path)
        low = not LOW_IS_GOOD.isdisjoint(words) and REVERSED.isdisjoint(words)
        return "minimize" if low else "maximize"
    if text not in ("maximize", "minimize"):
        raise ValueError(f"{key} is {text!r}, but must be maximize or minimize.")
    return "minimize" if text == "minimize" else "maximize"


def _telling_words(path: str) -> set[str]:
    """The words of the last part of a name that says more than which of several numbers it is."""
    for part in reversed(path.split(".")):
        words = {word.lower() for word in WORD.findall(part)}
        if not words <= OF_WHAT:
            return words
    return set()
