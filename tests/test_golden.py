"""Seeded runs draw, compute and learn what they did before the code was moved into its rooms.

``golden.json`` holds the numbers of ``golden_runs.py`` at commit c988434, with PyTorch 2.14.1 and
the AVX-512 kernels. So they were written:

    git worktree add ../before c988434
    PYTHONPATH=../before/src python tests/golden_runs.py > tests/golden.json

A change that means to change some writes them anew, without the variable, and says so in
CHANGELOG.md.

Integers (order, crops, masks, labels) are equal everywhere. The last bits of a loss are those of
the kernels, the processor and the version of PyTorch, so fractions have a tolerance. The runs are
on one thread, in float32 and with the plain kernels, or those that FCMAE_KERNELS_BUILD names.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import golden_runs
from fcmae.kernels import native

GOLDEN: dict[str, Any] = json.loads(
    Path(__file__).with_name("golden.json").read_text(encoding="utf-8")
)
TOLERANCE = 3e-5
"""Of losses, relative; processors and builds of the kernels differed by 1e-6."""
TOLERANCES = {"lr": 1e-9, "weights": 1e-6, "grad_norm": 3e-4, "loss_objectness": 3e-6}
"""Of what else is kept of a run."""
GROWING = {"contrast": 10, "values": 10, "detect": 500}
"""How many times more is allowed where differences grow. Losses of two trainings differed by 1e-5.
Of proposals with almost the same score either may be first, which losses showed by 5e-3."""
LEVELS = 1.0
"""Absolute, for mean colours from 0 to 255; between processors they differed by 0.1."""


def test_seeded_trainings_draw_compute_and_learn_what_they_did() -> None:
    assert list(differences(numbers(golden_runs.QUICK))) == []


@pytest.mark.full
def test_trainings_with_other_options_do_too() -> None:
    assert list(differences(numbers(golden_runs.VARIANTS))) == []


def test_every_stored_number_is_compared() -> None:
    assert [*GOLDEN] == [*golden_runs.QUICK, *golden_runs.VARIANTS]


@pytest.mark.parametrize(
    ("name", "key", "place", "factor"),
    [
        ("draws", "pretrain crops", (0, 0), 2),
        ("draws", "permutation", (0,), 2),
        ("colours", "classify", (0, 0), 1.05),
        ("pretrain", "loss", (3,), 1.0001),
        ("detect", "loss", (0,), 1.02),
        ("values", "lr", (1,), 1.00001),
    ],
)
def test_a_changed_number_is_a_difference(
    name: str, key: str, place: tuple[int, ...], factor: float
) -> None:
    changed = json.loads(json.dumps(GOLDEN))
    assert list(differences(changed)) == []
    *path, last = place
    values = changed[name][key]
    for index in path:
        values = values[index]
    values[last] *= factor
    assert [text.partition(":")[0] for text in differences(changed)] == [f"{name}, {key}"]


def numbers(names: Sequence[str]) -> dict[str, Any]:
    """The numbers of this checkout, computed in a process of its own.

    Here types are checked on every call, which draws from Python's generator, as augmentation does.
    """
    build = native.PORTABLE
    compiled = any(Path(native.__file__).parent.glob(f"_native_{build}.*"))
    variables = {native.VARIABLE: build, **os.environ} if compiled else dict(os.environ)
    done = subprocess.run(
        [sys.executable, golden_runs.__file__, *names],
        env=variables | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def differences(found: dict[str, Any]) -> Iterator[str]:
    """Names the stored numbers that others stand in place of."""
    for name, values in found.items():
        assert values.keys() == GOLDEN[name].keys()
        for key, value in values.items():
            before = GOLDEN[name][key]
            if not same(value, before, **tolerance(name, key)):
                yield f"{name}, {key}: {before} became {value}"


def tolerance(name: str, key: str) -> dict[str, float]:
    if name == "colours":
        return {"rel": 0.0, "abs": LEVELS}
    growth = GROWING.get(name.partition(",")[0], 1)
    return {"rel": growth * TOLERANCES.get(key, TOLERANCE)}


def same(found: Any, before: Any, **allowed: float) -> bool:
    """True if integers are equal, and fractions nearly so."""
    if isinstance(before, list):
        pairs = zip(found, before, strict=False)
        return len(found) == len(before) and all(same(*pair, **allowed) for pair in pairs)
    if isinstance(before, dict):
        return found.keys() == before.keys() and all(
            same(found[key], before[key], **allowed) for key in before
        )
    return bool(
        found == (pytest.approx(before, **allowed) if isinstance(before, float) else before)
    )
