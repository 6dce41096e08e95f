"""Pickles read as text: what they say is built from plain values, and nothing they name is run.

A pickle is a program for a small machine with a stack. This one knows the instructions that build
dictionaries, lists, numbers and strings; where the program calls a function, it looks whether that
is how PyTorch writes down a tensor, and never calls anything.
"""

import pickletools
import struct
from dataclasses import dataclass, field
from typing import Any

from fcmae.checkpoint.vocabulary import (
    CALLS,
    Named,
    Passed,
    PickleRefusedError,
    Storage,
    named,
    storage_kind,
)

MAX_BYTES = 2 * 2**20
MAX_STEPS = 300_000
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

    def take(self, count: int) -> list[Any]:
        """Take so many values off the stack."""
        return [self.stack.pop() for _ in range(count)][::-1]


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
            if opcode.name not in ("PROTO", "FRAME"):
                _step(machine, opcode.name, argument)
    except PickleRefusedError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise PickleRefusedError("is damaged") from error
    raise PickleRefusedError("is damaged")


def _step(machine: Machine, name: str, argument: Any) -> None:
    """One instruction."""
    stack = machine.stack
    match name:
        case "MARK":
            stack.append(MARK)
        case "POP":
            stack.pop()
        case "POP_MARK":
            machine.since_mark()
        case "DUP":
            stack.append(stack[-1])
        case "MEMOIZE":
            machine.memo[len(machine.memo)] = stack[-1]
        case "PUT" | "BINPUT" | "LONG_BINPUT":
            machine.memo[argument] = stack[-1]
        case "GET" | "BINGET" | "LONG_BINGET":
            stack.append(machine.memo[argument])
        case _ if name in BUILDERS:
            BUILDERS[name](machine)
        case "GLOBAL":
            stack.append(named(*argument.split(" ", 1)))
        case _ if argument is not None and name in PLAIN:
            stack.append(argument)
        case _:
            raise PickleRefusedError(f"has the instruction {name}, which no weights need")


PLAIN = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}


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


def _stack_global(machine: Machine) -> None:
    module, name = machine.take(2)
    machine.stack.append(named(module, name))


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


BUILDERS = {
    "NONE": lambda machine: machine.stack.append(None),
    "NEWTRUE": lambda machine: machine.stack.append(True),
    "NEWFALSE": lambda machine: machine.stack.append(False),
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "EMPTY_LIST": lambda machine: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine: machine.stack.append(()),
    "EMPTY_SET": lambda machine: machine.stack.append([]),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": lambda machine: machine.stack.append(tuple(machine.take(1))),
    "TUPLE2": lambda machine: machine.stack.append(tuple(machine.take(2))),
    "TUPLE3": lambda machine: machine.stack.append(tuple(machine.take(3))),
    "LIST": lambda machine: machine.stack.append(machine.since_mark()),
    "DICT": _dict,
    "APPEND": lambda machine: _append(machine, machine.take(1)),
    "APPENDS": lambda machine: _append(machine, machine.since_mark()),
    "ADDITEMS": lambda machine: _append(machine, machine.since_mark()),
    "SETITEM": lambda machine: _set(machine, machine.take(2)),
    "SETITEMS": lambda machine: _set(machine, machine.since_mark()),
    "BUILD": _build,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BINPERSID": _storage,
}
