import errno
import json
import os
import random
import resource
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from fcmae.checkpoint import manifest, store
from fcmae.errors import CheckpointError, NonFiniteError, StorageError
from fcmae.files import durable
from forking import IGNORE_THREADS, Child, calls_of, killed_after

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


def parts_of(step: int, numbers: int = 300) -> dict[str, dict[str, Tensor]]:
    """A state that tells which step it belongs to."""
    generator = torch.Generator().manual_seed(step)
    return {
        "model": {"w": torch.randn(numbers, generator=generator), "half": torch.ones(3).half()},
        "optimizer": {
            "w.exp_avg": torch.full((numbers,), float(step)),
            "w.step": torch.tensor(1.0),
        },
    }


def save(root: Path, step: int, *, keep: int = 3, best: int | None = None) -> Path:
    return store.save(root, step, parts_of(step), {"step": step}, keep=keep, best=best)


def assert_holds(saved: store.Saved | None, step: int) -> None:
    assert saved is not None
    assert saved.step == saved.facts["step"] == step
    for part, tensors in parts_of(step).items():
        assert_close(saved.tensors(part), tensors, rtol=0, atol=0)


def test_what_is_saved_comes_back_to_the_bit(tmp_path: Path) -> None:
    save(tmp_path, 7)
    saved = store.newest_intact(tmp_path).newest
    assert_holds(saved, 7)
    assert saved is not None
    assert saved.tensors("ema") == {}


def test_an_empty_or_missing_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert store.newest_intact(tmp_path / "none") == store.FoundCheckpoints()


def test_the_newest_is_the_highest_step_whatever_the_clock_says(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        os.utime(save(tmp_path, step), (1e9 - step, 1e9 - step))
    assert_holds(store.newest_intact(tmp_path).newest, 100)


def test_files_have_the_mode_that_the_user_asks_for(tmp_path: Path) -> None:
    former = os.umask(0o027)
    try:
        path = save(tmp_path, 1)
    finally:
        os.umask(former)
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {0o640}


def test_bytes_reach_the_disk_before_names_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def watch_fsync(handle: int) -> None:
        events.append(f"sync {Path(os.readlink(f'/proc/self/fd/{handle}')).name}")
        fsync(handle)

    def watch_rename(path: Path, target: Path) -> Path:
        events.append(f"rename {path.name} to {Path(target).name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(Path, "rename", watch_rename)
    root = tmp_path / "checkpoints"
    save(root, 5)
    assert events == [
        "sync model.safetensors",
        "sync optimizer.safetensors",
        "sync state.json",
        "sync manifest.json",
        "sync .staging-step-00000005",
        "rename .staging-step-00000005 to step-00000005",
        "sync checkpoints",
    ]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("three")
    for step in (1, 2, 3):
        save(root, step)
    return root


def damages() -> list[tuple[str, str]]:
    files = ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"]
    kinds = ["flip"] * 12 + ["truncate"] * 4 + ["empty", "delete", "zero", "append", "swap"]
    return [(file, kind) for file in files for kind in kinds]


def damage(path: Path, kind: str, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content))
    match kind:
        case "flip":
            content[place] ^= 1 << rng.randrange(8)
        case "truncate":
            del content[place:]
        case "empty":
            content.clear()
        case "zero":
            content[place : place + 64] = bytes(len(content[place : place + 64]))
            content[-1] ^= 255  # what was zero before must change too
        case "append":
            content.append(0)
        case "swap":
            content = bytearray((path.parents[1] / "step-00000002" / path.name).read_bytes())
    path.unlink()
    if kind != "delete":
        path.write_bytes(content)


def test_any_damage_is_seen_and_the_checkpoint_before_is_taken(three: Path, tmp_path: Path) -> None:
    rng = random.Random(0)
    for number, (file, kind) in enumerate(damages()):
        root = tmp_path / str(number)
        shutil.copytree(three, root)
        damage(root / "step-00000003" / file, kind, rng)
        found = store.newest_intact(root)
        assert found.newest is not None, (file, kind)
        assert found.newest.step == 2, (file, kind)
        assert found.damaged[0].path.name == "step-00000003"
        assert file in str(found.damaged[0]) or kind == "swap"
        shutil.rmtree(root)


def test_what_another_version_wrote_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1)
    with monkeypatch.context() as later:
        later.setattr(manifest, "FORMAT", 2)
        save(tmp_path, 2)
    with pytest.raises(CheckpointError, match=r"step-00000002 has format 2, .* fcmae reads 1"):
        store.newest_intact(tmp_path)


def test_numbers_that_are_not_finite_count_as_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1)
    monkeypatch.setattr(store, "non_finite", lambda tensors: [])
    broken = {"model": {"w": torch.tensor([1.0, float("inf")])}}
    store.save(tmp_path, 2, broken, {}, keep=3)
    found = store.newest_intact(tmp_path)
    assert_holds(found.newest, 1)
    assert str(found.damaged[0]) == ("step-00000002: model.safetensors holds NaN or infinity in w")


def test_nothing_that_is_not_finite_is_saved(tmp_path: Path) -> None:
    save(tmp_path, 1)
    parts = parts_of(2)
    parts["model"]["w"][17] = float("inf")
    with pytest.raises(NonFiniteError, match="after step 2 the model has NaN or infinity in w"):
        store.save(tmp_path, 2, parts, {}, keep=2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_when_all_are_damaged_the_message_names_each(tmp_path: Path) -> None:
    for step in (1, 2):
        (save(tmp_path, step) / "state.json").unlink()
    with pytest.raises(CheckpointError, match="all checkpoints") as caught:
        store.newest_intact(tmp_path)
    assert "step-00000002: state.json is missing; step-00000001: state.json is" in str(caught.value)
    assert 'run={"resume": False}' in str(caught.value)


def test_the_newest_few_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in range(1, 7):
        save(tmp_path, step, keep=2, best=2 if step > 1 else None)
    assert [path.name[-1] for path in store.checkpoints(tmp_path)] == ["2", "5", "6"]


def test_a_damaged_one_set_aside_leaves_its_name_free(tmp_path: Path) -> None:
    for step in (1, 2):
        save(tmp_path, step)
    (tmp_path / "step-00000002" / "manifest.json").unlink()
    store.set_aside(store.newest_intact(tmp_path).damaged)
    assert (tmp_path / "step-00000002.damaged").is_dir()
    save(tmp_path, 2)
    assert_holds(store.newest_intact(tmp_path).newest, 2)


def test_saving_a_step_again_replaces_it(tmp_path: Path) -> None:
    save(tmp_path, 1)
    store.save(tmp_path, 1, parts_of(1), {"step": 1, "again": True}, keep=2)
    saved = store.newest_intact(tmp_path).newest
    assert_holds(saved, 1)
    assert saved is not None
    assert saved.facts["again"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_replacement_that_was_cut_short_is_undone(tmp_path: Path) -> None:
    save(tmp_path, 1).rename(tmp_path / ".former-step-00000001")
    store.clear_up(tmp_path)
    assert_holds(store.newest_intact(tmp_path).newest, 1)
    shutil.copytree(tmp_path / "step-00000001", tmp_path / ".former-step-00000001")
    store.clear_up(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_nothing_in_a_checkpoint_is_pickled(tmp_path: Path) -> None:
    path = save(tmp_path, 1)
    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}
    assert all(json.loads(file.read_text()) for file in path.glob("*.json"))


def test_too_little_space_is_refused_before_a_byte_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(durable.shutil, "disk_usage", lambda path: usage(100, 0, 1000))
    with pytest.raises(StorageError, match=r"has 1,000 bytes free, but 1,0\d\d,\d\d\d are needed"):
        save(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_saving_harms_nothing(tmp_path: Path) -> None:
    save(tmp_path, 1)

    def save_too_much() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        store.save(tmp_path, 2, parts_of(2, numbers=100_000), {}, keep=2)

    assert Child(save_too_much).wait() == StorageError.exit_code
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert_holds(store.newest_intact(tmp_path).newest, 1)


def test_the_systems_error_is_told_in_the_users_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "write_tensors", full)
    with pytest.raises(StorageError, match=r"No space left on device\. Please free some space"):
        save(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
def test_a_save_survives_being_killed_at_any_moment(tmp_path: Path) -> None:
    rng = random.Random(0)
    leftovers = 0
    for trial in range(30):
        root = tmp_path / str(trial)
        root.mkdir()
        acknowledged = root / "acknowledged"

        def save_often(root: Path = root, acknowledged: Path = acknowledged) -> None:
            for step in range(1, 6):
                store.save(root, step, parts_of(step, 20_000), {"step": step}, keep=2)
                with acknowledged.open("a") as file:
                    file.write(f"{step}\n")

        if trial == 0:
            calls = calls_of(save_often)
            continue
        assert killed_after(rng.randrange(calls // 3, calls), save_often)

        last = int(acknowledged.read_text().split()[-1])
        found = store.newest_intact(root)
        assert found.damaged == []
        assert found.newest is not None
        assert found.newest.step in (last, last + 1)
        step = found.newest.step
        assert_close(found.newest.tensors("model"), parts_of(step, 20_000)["model"], rtol=0, atol=0)
        leftovers += len(list(root.glob(".staging-*")))
        store.clear_up(root)
        assert list(root.glob(".staging-*")) == []
    assert leftovers > 0  # or the kills came when nothing was being saved
