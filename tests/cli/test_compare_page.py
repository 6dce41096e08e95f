"""Every command of docs/compare-with-other-models.md is one, and every name in it is known."""

import re
import shlex
from pathlib import Path

import pytest

from fcmae.checkpoint.published_names import named
from fcmae.checkpoint.timm_names import net_of
from fcmae.cli.commands import COMMANDS
from fcmae.options.parse import build, read_command_line

PAGE = Path(__file__).parents[2] / "docs" / "compare-with-other-models.md"
TEXT = PAGE.read_text(encoding="utf-8")
LINES = re.findall(r"^fcmae .*", TEXT, re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_page_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    command = COMMANDS[name]
    typed = read_command_line(
        words[len(name.split()) :], command.options, positional=command.positional
    )
    options = build(command.options, typed.values)
    if getattr(options, "model", None) is not None:
        assert net_of(options.model.removeprefix("timm:")).timm
    elif options.weights.startswith("runs/"):
        earlier = TEXT[: TEXT.index(line)]
        made = rf"^fcmae .*--out {re.escape(options.weights)}( |$)"
        assert re.search(made, earlier, re.MULTILINE)
    else:
        assert named(options.weights) is not None


def test_names_in_its_python_are_known() -> None:
    names = re.findall(r'fcmae\.load\("([^"]+)"\)', TEXT)
    assert len(names) == 2
    assert all(named(name) is not None for name in names)
