"""Reading of ``--config``: YAML of plain values, from a file or from a recipe of the package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fcmae.cli.suggest import did_you_mean

RECIPES = Path(__file__).parents[1] / "recipes"
MAX_BYTES = 100_000


def recipe_names() -> list[str]:
    """The recipes of the package, as ``--config`` takes them."""
    files = sorted(RECIPES.rglob("*.yaml"))
    return [file.relative_to(RECIPES).with_suffix("").as_posix() for file in files]


def read_config(name: str) -> dict[str, Any]:
    """The values of a YAML file or of a named recipe by dotted key, all as the text written."""
    path = _find(name)
    try:
        text = _read(path)
        tree = yaml.load(text, Loader=_TextLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(
            f"--config {name}: line {line}: {error.problem or error.context}."
        ) from None
    except yaml.YAMLError as error:
        raise ValueError(f"--config {name} is not YAML: {str(error).splitlines()[0]}.") from None
    except RecursionError:
        raise ValueError(f"--config {name} is nested too deeply to be a recipe.") from None
    if tree in (None, ""):
        return {}
    if not isinstance(tree, dict):
        raise ValueError(f"--config {name} must hold keys with values, such as 'model: atto'.")
    return dict(_flatten(tree, ""))


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise ValueError(f"--config {name} is a folder, but must be a YAML file or a recipe.")
    recipe = RECIPES / f"{name}.yaml"
    if name in recipe_names():
        return recipe
    if path.suffix in (".yaml", ".yml"):
        raise ValueError(f"--config {name}: there is no such file.")
    raise ValueError(
        f"--config {name}: there is no such file and no such recipe."
        f"{did_you_mean(name, recipe_names())} The recipes are {', '.join(recipe_names())}."
    )


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(
                f"--config {path} has {size} bytes, but a recipe has at most {MAX_BYTES}: "
                "is it another kind of file?"
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"--config {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"--config {path} is not text in UTF-8.") from None


def _flatten(tree: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}{key}".replace("-", "_")
        if isinstance(value, dict):
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value


class _TextLoader(yaml.BaseLoader):
    """Keeps every scalar as text, so that a value means the same here and on the command line.

    References are refused (they can blow a small file up to gigabytes), and so are keys
    that appear twice.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="references (*name) are not allowed", problem_mark=mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a single word", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value} appears twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=True)
