"""A run goes on with options that mean what its own meant, however they are said."""

from typing import Any

import pytest

from fcmae.cli.commands import COMMANDS
from fcmae.cli.options.fields import nested
from fcmae.cli.options.meaning import meaning_of
from fcmae.cli.options.parse import build, read_command_line
from fcmae.engine.resume import check_same_run
from fcmae.errors import CheckpointError

SAME = [
    ("finetune detect", "--augment.scale 0.1,2", ""),
    ("finetune detect", "--augment.scale 0.8,1.25 --tiles.size 64", "--tiles.size 64"),
    ("finetune detect", "--tiles.size 128 --tiles.overlap 0.25", "--tiles.size 128,128"),
    (
        "finetune segment",
        "--size 64 --augment.short_side crop",
        "--size 64 --augment.short_side 64 --scan.short_side 64",
    ),
    ("finetune classify", "--size 64", "--size 64,64"),
    ("pretrain", "--size 64", "--size 64,64"),
]


def record(command: str, line: str) -> dict[str, Any]:
    kind = COMMANDS[command].options
    words = f"--data photos --out run {line}".split()
    return nested(build(kind, read_command_line(words, kind).values))


def check(command: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    data = {"fingerprint": "", "images": 1}
    facts = [{"options": options, "data": data} for options in (before, now)]
    check_same_run(*facts, meaning_of(COMMANDS[command].options))


@pytest.mark.parametrize(("command", "before", "now"), SAME)
def test_what_means_the_same_may_be_said_differently(command: str, before: str, now: str) -> None:
    check(command, record(command, before), record(command, now))
    check(command, record(command, now), record(command, before))


def test_what_means_something_else_is_told_as_it_was_said() -> None:
    before, now = "--size 64", "--tiles.size 96 --augment.scale 0.1,2"
    with pytest.raises(CheckpointError) as caught:
        check("finetune detect", record("finetune detect", before), record("finetune detect", now))
    told = "size: 64 before, 512 now; tiles.overlap: null before, 0.25 now; tiles.size: null"
    assert f"go on: {told} before, 96 now. Give" in str(caught.value)


def test_a_record_that_this_version_does_not_read_is_taken_literally() -> None:
    before = record("pretrain", "--size 64")
    before["mask"].update(ratio=2.0, former=1)
    del before["optim"]["epochs"]
    with pytest.raises(CheckpointError) as caught:
        check("pretrain", before, record("pretrain", "--size 64"))
    told = "mask.former: 1 before, null now; mask.ratio: 2.0 before, 0.6 now."
    assert f"go on: {told} Give" in str(caught.value)
