"""Too little memory and lost processes are told in a line by every command, with a way out."""

import errno
from dataclasses import dataclass, field

import pytest
import torch

from fcmae.cli.command import Command
from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import _answer, main
from fcmae.errors import DistributedError, OutOfMemory, is_out_of_memory
from fcmae.flags import written_as_flags
from fcmae.kernels import native
from fcmae.options.compute import Compute
from fcmae.options.fields import fields_of


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a command."""

    size: int = 1
    run: Compute = field(default=Compute())


def command(error: BaseException) -> Command:
    def fail(options: Options, console: object) -> None:
        raise error

    return Command(
        options=Options, run=fail, show=lambda result, terminal: None, example="", purpose="tools"
    )


FULL = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("Caught MemoryError in DataLoader worker process 0."),
    RuntimeError("std::bad_alloc"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    ImportError("libtorch_cuda.so: failed to map segment from shared object"),
]


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_what_needs_less_memory_is_said_by_options_that_the_command_has(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OutOfMemory) as raised, written_as_flags():
        command(error)(Options())
    assert str(raised.value) == (
        "there is too little memory: fewer images at a time (--run.batch_size) or a smaller --size "
        "need less of it."
    )
    with pytest.raises(OutOfMemory, match=r"or a smaller size= need less of it\.$"):
        command(error)(Options())
    assert _answer(raised.value, None) == 8
    assert capsys.readouterr().err == f"fcmae: {raised.value}\n"


@pytest.mark.parametrize("error", [RuntimeError("no kernel"), OSError(errno.ENOENT, "none")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error), match=str(error.args[-1])):
        command(error)(Options())


@pytest.mark.parametrize("name", [n for n in COMMANDS if n.startswith(("predict", "evaluate"))])
def test_every_command_that_looks_at_images_has_a_way_out(name: str) -> None:
    assert {"size", "run.batch_size", "loader.workers"} <= set(fields_of(COMMANDS[name].options))


def test_memory_itself_is_full() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**50)
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[pair.cc:561] Connection closed by peer [127.0.0.1]:4000"),
        torch.distributed.DistBackendError("NCCL: remote process exited"),
    ],
)
def test_a_lost_process_is_told_by_every_command(error: Exception) -> None:
    with pytest.raises(DistributedError, match="another process died or stopped answering"):
        command(error)(Options())


def test_a_build_of_the_kernels_that_cannot_be_loaded_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(native.VARIABLE, "sse9")
    native._load.cache_clear()
    words = ["bench", "pretrain", "--size", "64", "--batch_size", "1", "--rounds", "1"]
    assert main([*words, "--run.device", "cpu"]) == 2
    native._load.cache_clear()
    said = capsys.readouterr().err
    assert said.startswith("fcmae: FCMAE_KERNELS_BUILD is sse9, but must be one of ")
    assert said.count("\n") == 1
