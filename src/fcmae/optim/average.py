"""An average of the weights over the steps of a run."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of a model's parameters and buffers, in float32.

    Lower precisions would round the small updates away. Buffers that are not floating point
    (counters) are copied. The model may be sharded: then so is the average.

    Args:
        model: What to average; the average starts from its present weights.
        decay: Share of the average that each update keeps.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._tensors = {name: _detached(x) for name, x in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's weights; once after each optimizer step."""
        for name, value in model.state_dict().items():
            average = self._tensors[name]
            if average.is_floating_point():
                average.lerp_(value.to(average.dtype), 1 - self.decay)
            else:
                average.copy_(value)

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by the names of the model's state dict."""
        return dict(self._tensors)

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from saved averages; the names must be those of ``state_dict``."""
        if tensors.keys() != self._tensors.keys():
            raise ValueError(
                f"the average's names differ: {tensors.keys() ^ self._tensors.keys()}."
            )
        for name, value in tensors.items():
            self._tensors[name].copy_(value)


def _detached(x: Tensor) -> Tensor:
    return x.detach().to(torch.float32 if x.is_floating_point() else x.dtype, copy=True)
