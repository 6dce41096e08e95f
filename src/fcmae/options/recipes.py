"""Reading of configs and of plans: YAML of plain values, from a file or from the package."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from fcmae.flags import option
from fcmae.options.suggest import did_you_mean

RECIPES = Path(__file__).parents[1] / "recipes"
PLANS = RECIPES / "ablations"
MAX_BYTES = 100_000


def recipe_names() -> list[str]:
    """The recipes of the package, as configs name them."""
    return [name for name in _names(RECIPES) if not name.startswith(f"{PLANS.name}/")]


def plan_names() -> list[str]:
    """The plans of the package, as ``fcmae ablate`` takes them."""
    return _names(PLANS)


def read_config(name: str) -> dict[str, Any]:
    """The values of a YAML file or of a named recipe by dotted key, all as the text written."""
    told = option("config", name)
    path = _find(name, told, kind="recipe", folder=RECIPES, names=recipe_names())
    return dict(flat(_read_tree(path, told)))


def read_plan(name: str) -> dict[str, Any]:
    """The keys of a YAML file or of a named plan, all as the text written."""
    told = f"the plan {name}"
    path = _find(name, told, kind="plan", folder=PLANS, names=plan_names())
    return _read_tree(path, told)


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Values by dotted name."""
    for key, value in tree.items():
        name = f"{prefix}{key}".replace("-", "_")
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        else:
            yield name, value


def _read_tree(path: Path, told: str) -> dict[str, Any]:
    try:
        tree = yaml.load(_read(path, told), Loader=_TextLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"{told}: line {line}: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{told} is not YAML: {str(error).splitlines()[0]}.") from None
    except RecursionError:
        raise ValueError(f"{told} is nested too deeply to be a recipe.") from None
    if tree in (None, ""):
        return {}
    if not isinstance(tree, dict):
        raise ValueError(f"{told} must hold keys with values, such as 'model: atto'.")
    return tree


def _names(folder: Path) -> list[str]:
    files = sorted(folder.rglob("*.yaml"))
    return [file.relative_to(folder).with_suffix("").as_posix() for file in files]


def _find(name: str, told: str, *, kind: str, folder: Path, names: list[str]) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir() and name not in names:
        raise ValueError(f"{told} is a folder, but must be a YAML file or a {kind}.")
    if name in names:
        return folder / f"{name}.yaml"
    if path.suffix in (".yaml", ".yml"):
        raise ValueError(f"{told}: there is no such file.")
    raise ValueError(
        f"{told}: there is no such file and no such {kind}."
        f"{did_you_mean(name, names)} The {kind}s are {', '.join(names)}."
    )


def _read(path: Path, told: str) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(
                f"{told} has {size} bytes, but a recipe has at most {MAX_BYTES}: "
                "is it another kind of file?"
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{told} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{told} is not text in UTF-8.") from None


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
