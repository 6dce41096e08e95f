"""Measures the speed of a run and its waiting time for images."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from fcmae.data.batch import Batch


@dataclass(kw_only=True)
class Meter:
    """Counts from its making on."""

    started_at: float = field(default_factory=time.perf_counter)
    waited_s: float = 0.0
    images: int = 0

    def waiting_for(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches, with the time that each one takes to arrive counted as waiting."""
        while True:
            asked_at = time.perf_counter()
            batch = next(batches, None)
            self.waited_s += time.perf_counter() - asked_at
            if batch is None:
                return
            yield batch

    def rates(self) -> dict[str, float]:
        """Images per second, and the share of the time that went into waiting."""
        elapsed_s = max(time.perf_counter() - self.started_at, 1e-9)
        return {"images_per_s": self.images / elapsed_s, "data_wait": self.waited_s / elapsed_s}
