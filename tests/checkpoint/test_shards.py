"""Shards: what processes wrote in pieces is read in any other pieces."""

import random
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from fcmae.checkpoint import store
from fcmae.checkpoint.shards import Piece, Reader, shard_name, write_shard
from fcmae.checkpoint.staging import stage
from fcmae.errors import CheckpointError, NonFiniteError, StorageError

WHOLE = {
    "matrix": torch.randn(11, 3),
    "one": torch.randn(1, 4),
    "norm": torch.randn(7).half(),
    "step": torch.tensor(5.0),
}


def cut(number: int, of: int) -> dict[str, Tensor | Piece]:
    """What a process holds: rows as torch.chunk cuts them; the first, scalars too."""
    pieces: dict[str, Tensor | Piece] = {}
    for name, x in WHOLE.items():
        if not x.ndim:
            pieces |= {name: x} if number == 0 else {}
            continue
        chunks = x.chunk(of)
        if number < len(chunks):
            start = sum(map(len, chunks[:number]))
            pieces[name] = Piece(rows=chunks[number], start=start, total=len(x))
    return pieces


def save(root: Path, step: int, of: int = 3) -> Path:
    staging = stage(root, step, 1000)
    entries = {}
    for number in range(of):
        shard = {"model": cut(number, of), "optimizer": cut(number, of)}
        entries |= store.add_shard(staging, step, shard, number=number, of=of)
    return store.seal(staging, step, {"step": step}, keep=2, shards=entries)


@pytest.mark.parametrize("of", [1, 2, 3, 5, 12])
def test_any_rows_come_back_from_any_number_of_shards(of: int, tmp_path: Path) -> None:
    save(tmp_path, 1, of)
    saved = store.newest_intact(tmp_path).newest
    assert saved is not None
    for part in ("model", "optimizer"):
        assert_close(saved.tensors(part), WHOLE, rtol=0, atol=0)
    reader, draw = saved.reader("model"), random.Random(of)
    for name in ("matrix", "one", "norm"):
        for _ in range(20):
            start, stop = sorted(draw.choices(range(len(WHOLE[name]) + 1), k=2))
            assert_close(reader.read(name, (start, stop)), WHOLE[name][start:stop], rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["flip", "truncate", "delete", "swap"])
def test_a_damaged_shard_gives_way_to_the_checkpoint_before(kind: str, tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = save(tmp_path, 2) / shard_name("optimizer", 1, 3)
    content = bytearray(path.read_bytes())
    match kind:
        case "flip":
            content[len(content) // 2] ^= 4
        case "truncate":
            del content[-3:]
        case "swap":
            content = bytearray(path.with_name(shard_name("optimizer", 0, 3)).read_bytes())
    path.unlink()
    if kind != "delete":
        path.write_bytes(content)
    found = store.newest_intact(tmp_path)
    assert found.newest is not None
    assert found.newest.step == 1
    assert path.name in str(found.damaged[0])


def test_a_shard_on_another_machines_disk_is_missed(tmp_path: Path) -> None:
    staging = stage(tmp_path, 3, 1000)
    entries = store.add_shard(staging, 3, {"model": cut(0, 2)}, number=0, of=2)
    elsewhere = tmp_path / "elsewhere" / staging.name
    entries |= store.add_shard(elsewhere, 3, {"model": cut(1, 2)}, number=1, of=2)
    with pytest.raises(StorageError, match=r"model-00002-of-00002\.safetensors was written by "):
        store.seal(staging, 3, {}, keep=2, shards=entries)
    assert store.newest_intact(tmp_path) == store.FoundCheckpoints()


def test_what_a_shard_lost_on_its_way_to_the_leader_is_missed(tmp_path: Path) -> None:
    staging = stage(tmp_path, 3, 1000)
    entries = store.add_shard(staging, 3, {"model": cut(0, 1)}, number=0, of=1)
    (staging / shard_name("model", 0, 1)).write_bytes(b"something else")
    with pytest.raises(StorageError, match="was not written correctly: model-00001-of-00001"):
        store.seal(staging, 3, {}, keep=2, shards=entries)


def test_a_shard_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    staging = stage(tmp_path, 3, 1000)
    broken = Piece(rows=torch.tensor([1.0, float("nan")]), start=2, total=4)
    with pytest.raises(NonFiniteError, match="after step 3 the ema has NaN or infinity in w"):
        store.add_shard(staging, 3, {"ema": {"w": broken}}, number=1, of=2)


@pytest.mark.parametrize("numbers", [(0,), (1,), (0, 0), (0, 1, 1)])
def test_rows_that_are_missing_or_twice_there_are_refused(
    numbers: tuple[int, ...], tmp_path: Path
) -> None:
    files = [tmp_path / f"{i}.safetensors" for i in range(len(numbers))]
    for path, number in zip(files, numbers, strict=True):
        write_shard(path, {"matrix": cut(number, 2)["matrix"]})
    with pytest.raises(CheckpointError, match="does not hold every row of matrix once"):
        Reader(files)
