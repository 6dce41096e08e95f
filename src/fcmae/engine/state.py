"""All that a run has to remember, as named tensors, and the way back."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from fcmae.checkpoint.store import Saved
from fcmae.engine.devices import whole
from fcmae.optim.average import Average

Parts = dict[str, dict[str, Tensor]]


def collect(model: nn.Module, optimizer: torch.optim.Optimizer, average: Average | None) -> Parts:
    """Weights, optimizer and average, whole even where they are sharded; every process has to ask.

    The optimizer's tensors are named ``<parameter>.<what>``.
    """
    names = _names(model, optimizer)
    parts = {
        "model": gather(model.state_dict()),
        "optimizer": gather(
            {
                f"{name}.{what}": value
                for parameter, name in names.items()
                for what, value in optimizer.state[parameter].items()
            }
        ),
    }
    if average is not None:
        parts["ema"] = gather(average.state_dict())
    return parts


def gather(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as they are, those that are sharded made whole."""
    return {name: whole(x.detach()) for name, x in tensors.items()}


def restore(
    saved: Saved, model: nn.Module, optimizer: torch.optim.Optimizer, average: Average | None
) -> None:
    """Give model, optimizer and average their saved values."""
    current = model.state_dict()
    model.load_state_dict(_like(saved.tensors("model"), current))
    if average is not None:
        average.load_state_dict(_like(saved.tensors("ema"), average.state_dict()))

    parameters = list(_names(model, optimizer).items())
    places = {name: index for index, (_, name) in enumerate(parameters)}
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in saved.tensors("optimizer").items():
        name, _, what = key.rpartition(".")
        index = places[name]
        # The count of steps is a scalar, and never sharded.
        placed = _placed(value, parameters[index][0]) if value.ndim else value
        state.setdefault(index, {})[what] = placed
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _names(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, str]:
    """The parameters that are trained with their names, in the optimizer's order."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    trained: Iterable[nn.Parameter] = (p for g in optimizer.param_groups for p in g["params"])
    return {parameter: names[parameter] for parameter in trained}


def _like(tensors: Mapping[str, Tensor], current: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: _placed(x, current[name]) for name, x in tensors.items()}


def _placed(x: Tensor, like: Tensor) -> Tensor:
    """A whole tensor laid out over the processes like another one."""
    if not isinstance(like, DTensor):
        return x
    return distribute_tensor(x.to(like.device), like.device_mesh, like.placements)
