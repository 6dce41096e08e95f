"""Checks that a run may resume from a checkpoint: same options, same images."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fcmae.errors import CheckpointError
from fcmae.flags import option

FREE = (
    "out", "data", "val", "weights", "source", "config", "every", "test_size", "monitor",
    "loader.workers", "loader.timeout_s", "loader.max_unusable",
    "run.device", "run.devices", "run.nodes", "run.strategy", "run.compile",
    "run.checkpoint_every", "run.keep", "run.log_every", "run.resume",
)  # fmt: skip
"""Options that may change while a run goes on: where it runs, and what it measures, keeps and says.
The images are known by their fingerprint, so their folder may have moved, and weights to start from
were read at the start. The size of micro-batches is fixed, as random draws depend on it."""

Record = Mapping[str, Any]
Meaning = Callable[[Record, Record], tuple[Record, Record]]
"""Makes the values that two runs go by, by dotted name, of the options they recorded."""

MOST = 8
"""Differences that are told; nobody reads more of them in one line."""


def check_same_run(
    before: Mapping[str, Any], now: Mapping[str, Any], meaning: Meaning | None = None
) -> None:
    """Refuse to go on with other options or other images.

    Args:
        before: ``command``, ``options`` and ``data`` of the checkpoint; runs of earlier versions
            lack the command.
        now: The same of this start.
        meaning: What options mean; without it they mean what they say.

    Raises:
        CheckpointError: The message lists what differs, and the ways out.
    """
    commands = before.get("command"), now.get("command")
    if all(commands) and commands[0] != commands[1]:
        raise CheckpointError(
            f"the run in this directory was made by `fcmae {commands[0]}`, so `fcmae "
            f"{commands[1]}` cannot go on with it: give another {option('out')}."
        )
    if others := sorted(set(before["options"]) - set(now["options"])):
        raise CheckpointError(
            "the run in this directory was made by another command, or by another version of this "
            f"one (its options have {', '.join(others)}), so it cannot go on: give another "
            f"{option('out')}."
        )
    differences = _differences(before["options"], now["options"], meaning)
    if before["data"] != now["data"]:
        counts = before["data"]["images"], now["data"]["images"]
        what = f"{counts[0]:,} before, {counts[1]:,} now"
        same = f"{counts[0]:,} as before, but other files or labels"
        differences.append(f"the training images: {same if counts[0] == counts[1] else what}")
    if (more := len(differences) - MOST) > 1:
        differences[MOST:] = [f"and {more} more"]
    if differences:
        raise CheckpointError(
            "the run in this directory was begun differently, so it cannot go on: "
            f"{'; '.join(differences)}. Give the same options, or another {option('out')}, or "
            f"begin anew with {option('run.resume', 'false')}."
        )


def flat(options: Record, prefix: str = "") -> dict[str, Any]:
    """Nested options by dotted name."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def _differences(before: Record, now: Record, meaning: Meaning | None) -> list[str]:
    """Lists options that differ, as typed; where nothing was typed, as resolved."""
    told, comes_to = list[str](), list[str]()
    said = flat(before), flat(now)
    meant = said if meaning is None else meaning(before, now)
    for name in sorted(meant[0].keys() | meant[1].keys()):
        if name in FREE or name.split(".")[0] in FREE:
            continue
        values = [_text(values.get(name)) for values in meant]
        if values[0] == values[1]:
            continue
        as_said = [_text(s.get(name, m.get(name))) for s, m in zip(said, meant, strict=True)]
        which, values = (told, as_said) if as_said[0] != as_said[1] else (comes_to, values)
        which.append(f"{name}: {values[0]} before, {values[1]} now")
    return told or comes_to


def _text(value: Any) -> str:
    return json.dumps(value, default=str)
