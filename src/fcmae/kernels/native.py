"""The compiled kernels for the CPU: finding the build that this CPU can run, and calling it.

The C++ in ``cpp/`` is compiled when the package is installed, if there is a compiler; without one
PyTorch computes everything (docs/decisions/0005). The builds differ only in the instructions they
may use. They are plain shared libraries, called through ctypes, and run on PyTorch's own threads.
"""

import ctypes
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

TYPES = {torch.float32: 0, torch.bfloat16: 1}
"""The types of features that kernels compute, and their numbers in C++."""

INTERFACE = 3
"""The number of the functions that are called here, their arguments and what they mean: that of
``cpp/cpu.cpp``. A build with another number, or none, was compiled from other sources."""

INSTRUCTIONS = {"AVX512": ("avx512bf16", "avx512"), "AVX2": ("avx2",)}
"""PyTorch's names of what an x86 CPU can do, and the builds for them, best first."""

PORTABLE = "plain"
"""The build of no instructions beyond those that every CPU of its kind has."""

VARIABLE = "FCMAE_KERNELS_BUILD"
"""Environment variable that names the build to load, in place of the best one for this CPU."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """A loaded build.

    Attributes:
        functions: The functions of ``cpp/``.
        parallel: Address of the OpenMP function that runs work on PyTorch's threads; None if this
            PyTorch has none, which leaves one thread.
        instructions: What the build makes use of, for people.
    """

    functions: ctypes.CDLL
    parallel: int | None
    instructions: str


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def why_not() -> str:
    """Why there are no native kernels for this CPU; empty if there are."""
    loaded = _load()
    return loaded if isinstance(loaded, str) else ""


def library() -> Library:
    """The build for this CPU, which must exist."""
    loaded = _load()
    assert isinstance(loaded, Library)
    return loaded


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def on_intel() -> bool:
    """True if Intel made this CPU, as the build for it tells."""
    return bool(library().functions.fcmae_on_intel())


@cache
def _load() -> Library | str:
    """Loads the build of ``FCMAE_KERNELS_BUILD``, or else the best one that this CPU can run.

    Raises:
        ValueError: The variable names no build, or one that cannot be loaded here.
    """
    if named := os.environ.get(VARIABLE):
        return _named(named)
    if not _is_x86():
        return _first_of([PORTABLE])
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in INSTRUCTIONS:
        return f"native kernels need AVX2, and this CPU has {capability}"
    return _first_of(INSTRUCTIONS[capability])


def _named(build: str) -> Library:
    if build not in runnable():
        raise ValueError(
            f"{VARIABLE} is {build}, but must be one of {', '.join(runnable())}, which this CPU "
            "can run; leave it unset for the best of them."
        )
    found = _first_of([build])
    if isinstance(found, str):
        raise ValueError(f"{VARIABLE} is {build}, but {found}. Leave it unset for another build.")
    return found


def runnable() -> tuple[str, ...]:
    """Names the builds whose instructions PyTorch finds in this CPU, best first."""
    capability = torch.backends.cpu.get_cpu_capability() if _is_x86() else ""
    ranked = list(INSTRUCTIONS)
    best = ranked.index(capability) if capability in ranked else len(ranked)
    return (*(build for name in ranked[best:] for build in INSTRUCTIONS[name]), PORTABLE)


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def _first_of(builds: Sequence[str]) -> Library | str:
    """Loads the first of some builds that was compiled from these sources and runs here."""
    passed_over = ""
    for build in builds:
        for path in sorted(Path(__file__).parent.glob(f"_native_{build}.*")):
            try:
                functions = ctypes.CDLL(str(path))
            except OSError as error:
                passed_over = passed_over or f"the native kernels cannot be loaded ({error})"
                continue
            if reason := _why_stale(functions):
                passed_over = passed_over or f"{path.name} {reason}"
            elif functions.fcmae_runs_here():
                return Library(functions=functions, parallel=_parallel(), instructions=build)
            else:
                passed_over = passed_over or f"this CPU cannot run {path.name}"
    none = "no native kernels were compiled when fcmae was installed (no C++ compiler?)"
    return passed_over or none


def _why_stale(functions: ctypes.CDLL) -> str:
    """Why a build does not belong to this checkout; empty if it does."""
    number = functions.fcmae_interface() if hasattr(functions, "fcmae_interface") else None
    if number == INTERFACE:
        return ""
    has = "no interface number" if number is None else f"interface {number}"
    return f"was compiled from other sources ({has}, not {INTERFACE}): install fcmae again"


def _parallel() -> int | None:
    try:
        function = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):
        return None
    return ctypes.cast(function, ctypes.c_void_p).value


def call(name: str, *arguments: Tensor | int | float | None) -> None:
    """Call a function of the library with tensors by address, on as many threads as PyTorch uses.

    The caller sees to it that tensors are contiguous and of the types that the function expects.
    """
    loaded = library()
    converted = [_convert(argument) for argument in arguments]
    threads = ctypes.c_int(torch.get_num_threads())
    failed = getattr(loaded.functions, name)(*converted, ctypes.c_void_p(loaded.parallel), threads)
    if failed:
        raise MemoryError(f"the native kernel {name} could not get memory.")


def _convert(argument: Tensor | int | float | None) -> object:
    if argument is None:
        return ctypes.c_void_p(None)
    if isinstance(argument, Tensor):
        assert argument.is_contiguous()
        return ctypes.c_void_p(argument.data_ptr())
    return ctypes.c_float(argument) if isinstance(argument, float) else ctypes.c_int64(argument)
