"""Imports run one way: a room may know the rooms before it, never the ones after."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import fcmae

PACKAGE = Path(fcmae.__file__).parent
GROUND = {"errors", "randomness", "types", "peers", "masking"}
MODELS = GROUND | {"kernels", "loss", "model"}
BASE = MODELS | {"files", "data", "optim", "checkpoint", "task"}
MAY_IMPORT = {
    "errors": set(),
    "randomness": set(),
    "types": set(),
    "peers": set(),
    "files": {"errors", "peers"},
    "public": set(),
    "options": {"errors"},
    "masking": {"randomness"},
    "kernels": {"errors", "types"},
    "data": {"errors", "randomness", "types", "files", "options"},
    "loss": {"kernels", "types"},
    "model": GROUND | {"kernels", "loss"},
    "optim": {"types"},
    "checkpoint": {"errors", "types", "files", "masking", "loss", "model"},
    "task": {"data", "peers", "types"},
    "engine": GROUND | {"files", "kernels", "task", "data", "optim", "checkpoint"},
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
    "reports": {"errors", "files", "checkpoint", "engine"},
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


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


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
