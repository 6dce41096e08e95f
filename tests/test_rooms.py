"""Imports run one way: a room may know the rooms before it, never the ones after."""

import ast
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import fcmae

PACKAGE = Path(fcmae.__file__).parent
GROUND = {"errors", "flags", "randomness", "types", "process_group", "masking"}
MODELS = GROUND | {"kernels", "loss", "model"}
BASE = MODELS | {"files", "data", "optim", "checkpoint", "task"}
MAY_IMPORT = {
    "errors": set(),
    "flags": set(),
    "randomness": set(),
    "types": set(),
    "process_group": set(),
    "files": {"errors", "flags", "process_group"},
    "public": set(),
    "options": {"errors", "flags"},
    "masking": {"randomness"},
    "kernels": {"errors", "types"},
    "data": {"errors", "flags", "randomness", "types", "files", "options"},
    "loss": {"kernels", "types"},
    "model": GROUND | {"kernels", "loss", "options"},
    "optim": {"types"},
    "checkpoint": {"errors", "flags", "types", "files", "masking", "loss", "model"},
    "task": {"data", "process_group", "types"},
    "engine": GROUND | {"files", "kernels", "task", "data", "optim", "checkpoint", "options"},
    "evaluation": BASE,
    "analysis": BASE | {"evaluation"},
    "jobs": {"errors"},
    "ablation": BASE | {"jobs", "options", "engine", "analysis"},
    "exports": BASE,
    "tasks": BASE | {"engine", "evaluation", "analysis"},
    "setup": BASE | {"options", "engine", "evaluation"},
    "notebook": {"engine"},
    "costs": BASE | {"notebook", "options", "engine", "evaluation", "analysis"},
    "inference": BASE
    | {"notebook", "options", "setup", "engine", "tasks", "evaluation", "analysis"},
    "training": BASE
    | {"notebook", "options", "setup", "engine", "tasks", "evaluation", "analysis"},
    "reports": {"errors", "flags", "files", "checkpoint", "engine"},
    "api": {"cli"},
    "cli": BASE
    | {"options", "setup", "engine", "exports", "tasks", "evaluation", "analysis", "ablation"}
    | {"costs", "inference", "jobs", "training", "public", "notebook", "reports"},
}
ONLY_IN = {
    "lightning_fabric": {"engine"},
    "jsonargparse": {"options"},
    "rich": {"cli"},
    "skimage": {"cli"},
    "matplotlib": {"analysis"},
    "PIL": {"data", "model", "analysis", "costs", "notebook", "reports", "cli"},
    "tifffile": {"data"},
    "torchvision": {"data", "model", "analysis"},
    "faster_coco_eval": {"evaluation"},
    "timm": {"data", "model", "checkpoint"},
    "safetensors": {"checkpoint"},
    "huggingface_hub": {"checkpoint"},
    "triton": {"kernels"},
    "zipfile": {"checkpoint", "data"},
    "pyarrow": {"files"},
    "onnxruntime": {"exports"},
    "plotly": {"reports"},
    "jinja2": {"reports"},
    "optuna": {"ablation"},
    "submitit": {"ablation", "jobs"},
    "pandas": {"notebook"},
    "sklearn": {"analysis", "inference"},
    "umap": {"analysis"},
}
WITHOUT_TORCH = [
    "fcmae",
    "fcmae.api",
    "fcmae.cli.main",
    "fcmae.cli.commands",
    "fcmae.ablation.run",
    "fcmae.ablation.write",
    "fcmae.checkpoint.resolve",
    "fcmae.data.listing",
    "fcmae.data.objects.find",
    "fcmae.data.image",
    "fcmae.data.options",
    "fcmae.engine.folder",
    "fcmae.engine.options",
    "fcmae.engine.lock",
    "fcmae.jobs.options",
    "fcmae.masking",
    "fcmae.model.options",
    "fcmae.optim.options",
    "fcmae.reports.write",
    "fcmae.inference",
    "fcmae.training",
]


CIRCLES = 1
"""Circles of imports that there are: the commands, and those that run commands."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imported(path: Path) -> set[tuple[str, ...]]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {tuple(name.split(".")) for name in names}


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if not room(path).startswith("__")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inwards(path):
    here = room(path)
    rooms = {name[1] for name in imported(path) if name[0] == "fcmae"} - {here, "__version__"}
    assert rooms <= MAY_IMPORT[here], f"{here} may not import {sorted(rooms - MAY_IMPORT[here])}"
    for package, homes in ONLY_IN.items():
        if here not in homes:
            assert package not in {name[0] for name in imported(path)}, f"only {homes} may"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_imports_and_says_what_it_is_for(path):
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = importlib.import_module(name.removesuffix(".__init__"))
    assert module.__doc__


def test_what_checks_a_command_line_does_not_wait_for_torch():
    program = f"import {', '.join(WITHOUT_TORCH)}, sys; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == 0


def test_imports_run_in_no_more_circles() -> None:
    found = circles(imports_of_modules())
    assert len(found) <= CIRCLES, found


def test_circles_are_found_whole_and_once() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert sorted(circles(graph), key=min) == [{"b", "c"}, {"d", "e"}]


def imports_of_modules() -> dict[str, set[str]]:
    """The modules of the package that each of them imports, wherever in the file."""
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    found = {}
    for name, path in modules.items():
        names = {".".join(parts) for parts in imported(path)}
        names |= {parent.rpartition(".")[0] for parent in names - modules.keys()}
        found[name] = names & modules.keys() - {name}
    return found


def circles(imports: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one module."""

    def reachable(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            new = imports.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    reach = {name: reachable(name) for name in imports}
    groups = {
        frozenset(other for other in reach[name] if name in reach.get(other, set()))
        for name in imports
    }
    return [set(group) for group in groups if len(group) > 1]
