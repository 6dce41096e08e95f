"""Saving by all processes: a checkpoint whole or in shards, and weights one tensor at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning_fabric import Fabric

from fcmae.checkpoint import store
from fcmae.checkpoint.manifest import FileEntry
from fcmae.checkpoint.staging import discard
from fcmae.checkpoint.tensors import Tensors, num_bytes
from fcmae.engine import state
from fcmae.engine.keeper import Keeper, Progress, Which
from fcmae.engine.learner import Learner
from fcmae.engine.rank_zero import on_each, on_leader
from fcmae.errors import FcmaeError


def save(fabric: Fabric, keeper: Keeper, progress: Progress, learner: Learner) -> None:
    """Save a checkpoint; where the model is sharded, each process writes what it holds."""
    parts, progress.scaler = learner.parts(), learner.scaler_state()
    if state.is_sharded(parts):
        _save_shards(fabric, keeper, progress, parts)
        return
    whole = _whole(parts, keep=fabric.is_global_zero)
    on_leader(fabric, lambda: keeper.save(progress, whole))


@contextmanager
def steps_kept(
    fabric: Fabric, keeper: Keeper, progress: Progress, learner: Learner, *, due: bool
) -> Iterator[None]:
    """Let no error inside cost steps: on its way out the leading process saves them.

    It does so alone, for the others may have failed or be waiting. Where the model is sharded it
    cannot, and all save before, if a checkpoint is due.
    """
    parts = learner.parts()
    sharded = state.is_sharded(parts)
    if sharded and due:
        save(fabric, keeper, progress, learner)
    try:
        yield
    except Exception:
        if fabric.is_global_zero and not sharded:
            progress.scaler = learner.scaler_state()
            _save_on_the_way_out(keeper, progress, parts)
        raise


def _save_on_the_way_out(keeper: Keeper, progress: Progress, parts: state.StateParts) -> None:
    failed = f"An evaluation failed after step {progress.step:,}, which"
    try:
        keeper.save(progress, _whole(parts, keep=True))
    except FcmaeError as error:  # that of the evaluation ends the run
        keeper.reporter.message(f"{failed} could not be saved: {error}")
    else:
        keeper.reporter.message(f"{failed} is saved: the same command goes on from there.")


def _whole(parts: state.StateParts, *, keep: bool) -> state.StateParts:
    return {part: state.gather(tensors, keep=keep) for part, tensors in parts.items()}


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


def _save_shards(
    fabric: Fabric, keeper: Keeper, progress: Progress, parts: state.StateParts
) -> None:
    size, leads = sum(map(num_bytes, parts.values())), fabric.is_global_zero
    staging = on_leader(fabric, lambda: keeper.stage(progress, size))
    shard = {part: state.shard(tensors, leads=leads) for part, tensors in parts.items()}

    def add() -> dict[str, FileEntry]:
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
