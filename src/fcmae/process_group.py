"""The processes that share a piece of work, as the rooms below the engine see them."""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Peers:
    """One process among ``size``; the default is a process on its own.

    Attributes:
        rank: Which process this is, from 0.
        size: How many there are.
        device: Where this process computes.
        gather: Concatenates the rows of a tensor over all processes; the number of rows may differ.
            Without a gradient.
        total: Adds up a tensor over all processes; gradients are added up on the way back.
        autocast: Makes the context in which the model runs (its precision).
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    gather: Callable[[Tensor], Tensor] = field(default=lambda rows: rows)
    total: Callable[[Tensor], Tensor] = field(default=lambda x: x)
    autocast: Callable[[], AbstractContextManager[None]] = field(default=nullcontext)

    @property
    def leads(self) -> bool:
        """True if this process writes and speaks for all."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all processes have come here."""
        self.gather(torch.zeros(1, device=self.device))

    def together(self, values: Iterable[Any]) -> list[Any]:
        """The values of all processes, process by process; anything that JSON holds."""
        text = "".join(json.dumps(value) + "\n" for value in values).encode()
        rows = torch.frombuffer(bytearray(text or b"\n"), dtype=torch.uint8)  # not of nothing
        gathered = self.gather(rows.to(self.device)).cpu().numpy().tobytes()
        return [json.loads(line) for line in gathered.splitlines() if line]
