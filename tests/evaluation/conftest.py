import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from fcmae.peers import Peers


@pytest.fixture
def on_processes() -> Callable[[int, Callable[[Peers], Any]], list[Any]]:
    """Run a function as each of several processes would, in threads that gather for real."""

    def run(size: int, function: Callable[[Peers], Any]) -> list[Any]:
        barrier, slots = threading.Barrier(size, timeout=20), [torch.empty(0)] * size

        def gather(rank: int, rows: Tensor) -> Tensor:
            slots[rank] = rows
            barrier.wait()
            together = torch.cat(slots)
            barrier.wait()
            return together

        def process(rank: int) -> Any:
            return function(Peers(rank=rank, size=size, gather=lambda rows: gather(rank, rows)))

        with ThreadPoolExecutor(size) as pool:
            return list(pool.map(process, range(size)))

    return run
