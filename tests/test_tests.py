"""What all tests keep to: no clocks, and quick ones for every room."""

import ast
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "fcmae"
FILES = sorted(HERE.rglob("*.py"))
ROOMS = sorted(
    path.stem
    for path in PACKAGE.iterdir()
    if (path / "__init__.py").exists() or (path.suffix == ".py" and path.stem[0] != "_")
    if path.stem != "types"  # which every test checks on every call
)
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "timeit"}
CLOCKS |= {f"{name}_ns" for name in CLOCKS}
LATER = {"full", "slow", "gpu"}
"""Markers of tests that plain ``pytest`` leaves out."""
ENOUGH = 3
"""Quick tests for a room, at least."""
SECONDS = 600
"""The shortest limit that a test may set itself: it ends what hangs, and measures nothing."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HERE)))
def test_no_test_reads_a_clock_or_is_ended_by_one(path: Path) -> None:
    """A slow or busy machine passes the same tests: they count calls and events instead."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=name):
                assert name not in CLOCKS | {"time"}, f"line {node.lineno} reads a clock"
            case ast.ImportFrom(module="time", names=names):
                assert not CLOCKS & {x.name for x in names}, f"line {node.lineno} imports a clock"
            case ast.Call(func=ast.Attribute(attr="timeout"), args=[ast.Constant(value=seconds)]):
                assert seconds >= SECONDS, f"line {node.lineno} gives a test too little time"


@pytest.mark.parametrize("room", ROOMS)
def test_plain_pytest_looks_into_every_room(room: str) -> None:
    quick = sum(len(quick_tests(path)) for path in FILES if room in rooms_of(path))
    assert quick >= ENOUGH


@cache
def rooms_of(path: Path) -> set[str]:
    """The rooms that a file of tests imports from."""
    names = set()
    for node in ast.walk(parsed(path)):
        match node:
            case ast.ImportFrom(module=str(module), names=aliases):
                names |= {module} | {f"{module}.{alias.name}" for alias in aliases}
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
    return {name.split(".")[1] for name in names if name.startswith("fcmae.")}


@cache
def quick_tests(path: Path) -> set[str]:
    """The tests of a file that plain ``pytest`` runs whole."""
    body = parsed(path).body if path.name.startswith("test_") else []
    marks = [x for x in body if isinstance(x, ast.Assign) and "pytestmark" in ast.unparse(x)]
    if any(left_out(mark) for mark in marks):
        return set()
    tests = [x for x in body if isinstance(x, ast.FunctionDef) and x.name.startswith("test_")]
    return {test.name for test in tests if not any(map(left_out, test.decorator_list))}


def left_out(node: ast.AST) -> bool:
    """True if there is a marker in it by which plain ``pytest`` leaves tests out."""
    return any(f"pytest.mark.{name}" in ast.unparse(node) for name in LATER)
