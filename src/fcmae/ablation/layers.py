"""A plan is laid in layers: the plans it is based on, itself, a variant of it, what was typed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fcmae.options.recipes import flat

Tree = dict[str, Any]
"""Keys with text, lists of text, or further keys: a plan as it is written."""

MAX_DEPTH = 8
NOTHING = ("", "null")
"""How a plan writes that there is nothing."""


def layered(
    name: str, read: Callable[[str], Tree], variant: str | None, typed: Sequence[str] = ()
) -> Tree:
    """A plan with all that lies under and over it.

    Args:
        name: The plan.
        read: Reads a plan by its name.
        variant: Which of its variants to lay over it.
        typed: ``STEP.OPTION=VALUE`` or ``common.OPTION=VALUE``, which win over the
            plan's steps; what a cell, an axis or a choice sets stays.
    """
    seen: set[str] = set()
    tree = _load(name, read, variant, seen, MAX_DEPTH)
    if variant is not None and variant not in seen:
        known = f" It has {', '.join(sorted(seen))}." if seen else ""
        raise ValueError(f"variant is {variant}, but the plan {name} has no such variant.{known}")
    for word in typed:
        tree = merged(tree, _typed(word, tree))
    return tree


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Tree:
    """Two layers as one: keys inside keys are joined, everything else of the upper one wins.

    A step that the upper layer gives another command begins anew.
    """
    tree = dict(lower)
    for key, value in upper.items():
        below = tree.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            anew = "command" in value and value["command"] != below.get("command", key)
            tree[key] = dict(value) if anew else merged(below, value)
        else:
            tree[key] = value
    return tree


def _load(
    name: str, read: Callable[[str], Tree], variant: str | None, seen: set[str], depth: int
) -> Tree:
    if depth == 0:
        raise ValueError(f"the plan {name} is based on more than {MAX_DEPTH} others: is it itself?")
    tree = _normal(read(name), name)
    variants = tree.pop("variants", {})
    if not isinstance(variants, Mapping):
        raise ValueError(f"the plan {name}: variants must hold a plan's keys under each name.")
    seen |= set(variants)
    if variant in variants:
        tree = merged(tree, _normal(variants[variant], name))
    base = tree.pop("base", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise ValueError(f"the plan {name}: base is {base!r}, but must be the name of a plan.")
    return merged(_load(base, read, variant, seen, depth - 1), tree)


def _normal(tree: Any, name: str) -> Tree:
    """The same tree with the options of each step by dotted name, so that layers compare."""
    if not isinstance(tree, Mapping):
        raise ValueError(f"the plan {name} must hold keys with values, such as 'steps:'.")
    normal = dict(tree)
    for key in ("common", "axes", "best_over"):
        if isinstance(tree.get(key), Mapping):
            normal[key] = dict(flat(tree[key]))
    if isinstance(tree.get("steps"), Mapping):
        normal["steps"] = {step: _options(value) for step, value in tree["steps"].items()}
    if isinstance(tree.get("cells"), Mapping):
        normal["cells"] = {
            cell: {step: _options(value) for step, value in parts.items()}
            if isinstance(parts, Mapping)
            else parts
            for cell, parts in tree["cells"].items()
        }
    return normal


def _options(value: Any) -> Any:
    return dict(flat(value)) if isinstance(value, Mapping) else value


def _typed(word: str, tree: Mapping[str, Any]) -> Tree:
    name, equals, text = word.partition("=")
    step, dot, option = name.partition(".")
    if not (equals and dot and text and option):
        raise ValueError(f"set is {word!r}, but must be like finetune.optim.epochs=50.")
    values = {option.replace("-", "_"): text}
    if step == "common":
        return {"common": values}
    if step not in tree.get("steps", {}):
        steps = ", ".join(["common", *tree.get("steps", {})])
        raise ValueError(f"set is {word!r}, but must begin with one of {steps}.")
    return {"steps": {step: values}}
