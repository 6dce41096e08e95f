"""Contrastive pre-training: two views of an image are alike, and unlike other images (MoCo v3)."""

import math

from fcmae.data.batch import Batch
from fcmae.data.pairs import VIEWS
from fcmae.loss.contrast import match, spread, unit
from fcmae.loss.options import ContrastOptions as Options
from fcmae.model.contraster import Contraster
from fcmae.process_group import Peers
from fcmae.task import Step, Task


class ContrastTask(Task):
    """Each view finds the other view of its image among the views of all images of a micro-batch.

    Args:
        model: The encoder that learns and the one that follows it.
        options: Temperature and momentum.
    """

    model: Contraster

    def __init__(self, model: Contraster, options: Options | None = None) -> None:
        super().__init__()
        self.model = model
        self.options = options or Options()
        self.peers = Peers()

    def before_step(self, step: int, steps: int, peers: Peers) -> None:
        """Let the momentum encoder follow, once for all micro-batches of the step."""
        self.peers = peers
        self.model.follow(momentum(self.options.momentum, step, steps))

    def forward(self, batch: Batch) -> Step:
        """Mean of both directions' cross-entropies, over the images of all processes."""
        first, second = (batch.images[view::VIEWS] for view in range(VIEWS))
        embedded = self.model(first, second, self.peers)
        queries, mine = unit(embedded.queries), unit(embedded.keys)
        keys = self.peers.gather(mine.transpose(0, 1).contiguous()).transpose(0, 1)
        place = self.peers.rank * len(batch)
        temperature = self.options.temperature
        there, back = (
            match(queries[view], keys[1 - view], first=place, temperature=temperature)
            for view in range(VIEWS)
        )
        return Step(
            loss=(there.loss + back.loss) / 2,
            logs={
                "accuracy": (there.accuracy + back.accuracy) / 2,
                "spread": spread(keys.flatten(0, 1)),
            },
        )


def momentum(initial: float, step: int, steps: int) -> float:
    """The momentum of a step: from the initial one to 1 by half a cosine."""
    return 1 - (1 - initial) * (1 + math.cos(math.pi * step / steps)) / 2
