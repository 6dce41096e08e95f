"""All that a run has to remember, as named tensors, and the way back."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from fcmae.checkpoint.shards import Piece, Reader
from fcmae.checkpoint.store import Saved
from fcmae.engine.devices import rows, whole
from fcmae.errors import CheckpointError
from fcmae.flags import option
from fcmae.optim.average import Average

StateParts = dict[str, dict[str, Tensor]]


def collect(
    model: nn.Module, optimizer: torch.optim.Optimizer, average: Average | None
) -> StateParts:
    """Weights, optimizer and average, as they are: whole, or as shards over the processes.

    The optimizer's tensors are named ``<parameter>.<what>``.
    """
    names = _names(model, optimizer)
    parts = {
        "model": model.state_dict(),
        "optimizer": {
            f"{name}.{what}": value
            for parameter, name in names.items()
            for what, value in optimizer.state[parameter].items()
        },
    }
    if average is not None:
        parts["ema"] = average.state_dict()
    return {
        part: {name: x.detach() for name, x in tensors.items()} for part, tensors in parts.items()
    }


def is_sharded(parts: StateParts) -> bool:
    """True if a process holds less than the whole of some tensor."""
    tensors = (x for part in parts.values() for x in part.values())
    return any(isinstance(x, DTensor) and x.device_mesh.size() > 1 for x in tensors)


def gather(tensors: Mapping[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Tensors made whole, one after the other; every process has to ask.

    Args:
        tensors: As they are.
        keep: Whether this process wants them. Those that were sharded end up on the CPU.
    """
    found = {}
    for name, x in tensors.items():
        if keep:
            found[name] = whole(x).cpu() if isinstance(x, DTensor) else x
        else:
            whole(x)
    return found


def shard(tensors: Mapping[str, Tensor], *, leads: bool) -> dict[str, Tensor | Piece]:
    """Part of the state that a rank saves: its rows of what is sharded; rank zero, all the rest."""
    found: dict[str, Tensor | Piece] = {}
    for name, x in tensors.items():
        if isinstance(x, DTensor):
            start, stop = rows(x)
            if start < stop:
                found[name] = Piece(rows=x.to_local(), start=start, total=x.shape[0])
        elif leads:
            found[name] = x
    return found


def copy_whole(tensors: Mapping[str, Tensor], model: nn.Module) -> None:
    """Give a model that is not sharded these values; every process has to ask."""
    target = model.state_dict()
    for name, x in tensors.items():
        target[name].copy_(whole(x))


def restore(
    saved: Saved, model: nn.Module, optimizer: torch.optim.Optimizer, average: Average | None
) -> None:
    """Give model, optimizer and average their saved values; each process reads what it holds.

    Raises:
        CheckpointError: They were saved of another model.
    """
    weights, current = saved.reader("model"), model.state_dict()
    _check_same_model(weights, current)
    model.load_state_dict(_like(weights, current))
    if average is not None:
        average.load_state_dict(_like(saved.reader("ema"), average.state_dict()))

    parameters = list(_names(model, optimizer).items())
    places = {name: index for index, (_, name) in enumerate(parameters)}
    state: dict[int, dict[str, Tensor]] = {}
    reader = saved.reader("optimizer")
    for key in reader.names:
        name, _, what = key.rpartition(".")
        index = places[name]
        # The count of steps is a scalar, and never sharded.
        placed = _placed(reader, key, parameters[index][0] if what != "step" else None)
        state.setdefault(index, {})[what] = placed
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _names(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, str]:
    """The parameters that are trained with their names, in the optimizer's order."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    trained: Iterable[nn.Parameter] = (p for g in optimizer.param_groups for p in g["params"])
    return {parameter: names[parameter] for parameter in trained}


def _check_same_model(reader: Reader, current: Mapping[str, Tensor]) -> None:
    before = {name: reader.shape(name) for name in reader.names}
    now = {name: tuple(x.shape) for name, x in current.items()}
    for name in {**now, **before}:
        if before.get(name) != now.get(name):
            one, other = (_in_words(shapes.get(name)) for shapes in (before, now))
            raise CheckpointError(
                "the run in this directory is of another model, so it cannot go on: its "
                f"{name} is {one}, but {other} in the one that was asked for now. Give the same "
                f"options (a model that was left to {option('weights')} needs these), or another "
                f"{option('out')}."
            )


def _in_words(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else " x ".join(map(str, shape)) or "a single number"


def _like(reader: Reader, current: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: _placed(reader, name, current[name]) for name in reader.names}


def _placed(reader: Reader, name: str, like: Tensor | None) -> Tensor:
    """A saved tensor laid out over the processes like another one."""
    if not isinstance(like, DTensor):
        return reader.read(name)
    return DTensor.from_local(
        reader.read(name, rows(like)).to(like.device),
        like.device_mesh,
        like.placements,
        run_check=False,
        shape=like.shape,
        stride=like.stride(),
    )
