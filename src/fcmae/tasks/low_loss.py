"""Warns of a pre-training whose loss is low from the start."""

from collections import deque
from dataclasses import dataclass, field

from fcmae.data.options import Loader
from fcmae.flags import option

FIRST_STEPS = 200
"""Steps in which the loss is judged: most runs still warm up."""

AVERAGED = 10
"""Steps over which it is averaged."""

LOW = 0.2
"""Loss that no model reaches so early, unless there is hardly anything to predict."""


@dataclass(kw_only=True)
class LowLoss:
    """Judges the first losses of a pre-training on normalised targets, which begin at about 1.

    Attributes:
        loader: Mean and deviation of the images.
    """

    loader: Loader
    _losses: deque[float] = field(default_factory=lambda: deque(maxlen=AVERAGED))
    _told: bool = False

    def note(self, step: int, loss: float) -> str | None:
        """Takes the loss of a step; returns a warning the first time that losses are low.

        Args:
            step: Steps done, from 1.
            loss: Its loss.
        """
        if self._told or step > FIRST_STEPS:
            return None
        self._losses.append(loss)
        mean = sum(self._losses) / len(self._losses)
        if len(self._losses) < AVERAGED or not mean < LOW:
            return None
        self._told = True
        way_out = ""
        if self.loader.mean == Loader.mean:
            way_out = f", or give {option('loader.statistics', 'data')}"
        return (
            f"The loss is {mean:.1g} after {step} steps, far below 1, which is that of knowing "
            f"nothing: most patches are nearly constant under mean {_listed(self.loader.mean)} and "
            f"deviation {_listed(self.loader.std)}. Look at `fcmae check`{way_out}."
        )


def _listed(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.3g}" for value in values)
