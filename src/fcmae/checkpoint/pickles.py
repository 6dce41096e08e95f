"""Pickles read as text: what they say is built from plain values, and nothing they name is run.

A pickle is a program for a small machine with a stack. This one knows the instructions that build
dictionaries, lists, numbers and strings; where the program calls a function, it looks whether that
is how PyTorch writes down a tensor, and never calls anything.
"""

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fcmae.checkpoint.pickle_globals import (
    CALLS,
    Named,
    Passed,
    PickleRefusedError,
    Storage,
    named,
    storage_kind,
)

MAX_BYTES = 2 * 2**20
MAX_STEPS = 100_000
"""Far more than the pickle of the largest ConvNeXt with its optimizer has."""

MARK = object()


@dataclass
class Machine:
    """Stack and memory of a pickle that is being read."""

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark off the stack, and the mark."""
        taken = []
        while (top := self.stack.pop()) is not MARK:
            taken.append(top)
        return taken[::-1]

    def remember(self, place: int) -> None:
        """Keep the value on top of the stack for later."""
        self.memo[place] = self.stack[-1]

    def take(self, count: int) -> list[Any]:
        """Take so many values off the stack."""
        return [self.stack.pop() for _ in range(count)][::-1]


Opcode = Callable[[Machine, Any], Any]


def read_pickle(content: bytes) -> Any:
    """The dictionaries, lists, plain values and tensors that a pickle describes.

    Dictionaries keep the entries whose keys are text.

    Raises:
        PickleRefusedError: It is damaged, too long, or asks for more than tensors.
    """
    if len(content) > MAX_BYTES:
        raise PickleRefusedError(f"has {len(content):,} bytes, more than any weights need")
    machine = Machine()
    try:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if step > MAX_STEPS:
                raise PickleRefusedError(f"has more than {MAX_STEPS:,} instructions")
            if opcode.name == "STOP":
                return machine.stack.pop()
            if opcode.name not in STEPS:
                raise PickleRefusedError(
                    f"has the instruction {opcode.name}, which no weights need"
                )
            STEPS[opcode.name](machine, argument)
    except PickleRefusedError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise PickleRefusedError("is damaged") from error
    raise PickleRefusedError("is damaged")


def _append(machine: Machine, values: list[Any]) -> None:
    if isinstance(machine.stack[-1], list):
        machine.stack[-1].extend(values)


def _set(machine: Machine, values: list[Any]) -> None:
    if isinstance(machine.stack[-1], dict):
        pairs = zip(values[::2], values[1::2], strict=True)
        machine.stack[-1].update({key: x for key, x in pairs if isinstance(key, str)})


def _dict(machine: Machine) -> None:
    values = machine.since_mark()
    machine.stack.append({})
    _set(machine, values)


def _build(machine: Machine) -> None:
    # The state of an OrderedDict or of something ignored: neither is needed.
    machine.stack.pop()
    if not isinstance(machine.stack[-1], dict | Passed):
        raise PickleRefusedError("sets the state of something that is not a plain dictionary")


def _call(machine: Machine) -> None:
    function, arguments = machine.take(2)
    if not isinstance(function, Named) or not isinstance(arguments, tuple):
        raise PickleRefusedError("calls something that is not a function")
    call = CALLS.get(function.name)
    machine.stack.append(Passed(function.name) if call is None else call(*arguments))


def _storage(machine: Machine) -> None:
    """PyTorch's own kind of reference: ``("storage", type, member, device, count)``."""
    tag, kind, key, _, count = machine.stack.pop()
    name = storage_kind(kind.name) if isinstance(kind, Named) else None
    if tag != "storage" or name is None or not isinstance(key, str) or not isinstance(count, int):
        raise PickleRefusedError("refers to something that is not a storage of numbers")
    machine.stack.append(Storage(key=key, kind=name, count=count))


PLAIN: dict[str, Opcode] = {
    name: lambda machine, argument: machine.stack.append(argument)
    for name in (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    )
}
STEPS: dict[str, Opcode] = {
    **PLAIN,
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": lambda machine, _: machine.stack.append(MARK),
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.since_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "MEMOIZE": lambda machine, _: machine.remember(len(machine.memo)),
    "PUT": lambda machine, place: machine.remember(place),
    "BINPUT": lambda machine, place: machine.remember(place),
    "LONG_BINPUT": lambda machine, place: machine.remember(place),
    "GET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "EMPTY_SET": lambda machine, _: machine.stack.append([]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(machine.take(3))),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "DICT": lambda machine, _: _dict(machine),
    "APPEND": lambda machine, _: _append(machine, machine.take(1)),
    "APPENDS": lambda machine, _: _append(machine, machine.since_mark()),
    "ADDITEMS": lambda machine, _: _append(machine, machine.since_mark()),
    "SETITEM": lambda machine, _: _set(machine, machine.take(2)),
    "SETITEMS": lambda machine, _: _set(machine, machine.since_mark()),
    "GLOBAL": lambda machine, name: machine.stack.append(named(*name.split(" ", 1))),
    "STACK_GLOBAL": lambda machine, _: machine.stack.append(named(*machine.take(2))),
    "BINPERSID": lambda machine, _: _storage(machine),
    "BUILD": lambda machine, _: _build(machine),
    "REDUCE": lambda machine, _: _call(machine),
    "NEWOBJ": lambda machine, _: _call(machine),
}
"""What each instruction does; those that are not here are refused."""
