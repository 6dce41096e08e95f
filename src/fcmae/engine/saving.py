"""Saving by all processes: a checkpoint whole or in shards, and weights one tensor at a time."""

from lightning_fabric import Fabric

from fcmae.checkpoint import store
from fcmae.checkpoint.manifest import Entry
from fcmae.checkpoint.staging import discard
from fcmae.checkpoint.tensors import Tensors, num_bytes
from fcmae.engine import state
from fcmae.engine.keeper import Keeper, Progress, Which
from fcmae.engine.leading import on_each, on_leader
from fcmae.engine.learner import Learner


def save(fabric: Fabric, keeper: Keeper, progress: Progress, parts: state.Parts) -> None:
    """Save a checkpoint; where the model is sharded, each process writes what it holds."""
    if state.is_sharded(parts):
        _save_shards(fabric, keeper, progress, parts)
        return
    leads = fabric.is_global_zero
    whole = {part: state.gather(tensors, keep=leads) for part, tensors in parts.items()}
    on_leader(fabric, lambda: keeper.save(progress, whole))


def export(fabric: Fabric, keeper: Keeper, progress: Progress, learner: Learner) -> None:
    """Write the final weights."""
    if learner.average is not None:
        trained = "trained", learner.model.state_dict()
        _write(fabric, keeper, progress, learner=learner, which="weights_raw", weights=trained)
    result = learner.result()
    _write(fabric, keeper, progress, learner=learner, which="weights", weights=result)


def export_best(fabric: Fabric, keeper: Keeper, progress: Progress, learner: Learner) -> None:
    """Write the weights of the best evaluation so far."""
    result = learner.result()
    _write(fabric, keeper, progress, learner=learner, which="weights_best", weights=result)


def _save_shards(fabric: Fabric, keeper: Keeper, progress: Progress, parts: state.Parts) -> None:
    size, leads = sum(map(num_bytes, parts.values())), fabric.is_global_zero
    staging = on_leader(fabric, lambda: keeper.stage(progress, size))
    shard = {part: state.shard(tensors, leads=leads) for part, tensors in parts.items()}

    def add() -> dict[str, Entry]:
        rank, world = fabric.global_rank, fabric.world_size
        return store.add_shard(staging, progress.step, shard, number=rank, of=world)

    try:
        shards = {name: entry for each in on_each(fabric, add) for name, entry in each.items()}
        on_leader(fabric, lambda: keeper.seal(staging, progress, shards))
    finally:
        discard(staging)


def _write(
    fabric: Fabric,
    keeper: Keeper,
    progress: Progress,
    *,
    learner: Learner,
    which: Which,
    weights: tuple[str, Tensors],
) -> None:
    kind, tensors = weights
    whole = state.gather(tensors, keep=fabric.is_global_zero)
    on_leader(fabric, lambda: keeper.write(which, learner.model, progress, kind, whole))
