"""The commands that the README and the pages of docs/ print."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:fcmae|python) [^`\n]+)`")
PROGRAMS = {
    "fcmae", "python", "torchrun", "pip", "python3", "pytest", "ruff", "mypy", "."
}  # fmt: skip
"""What a line of a page may begin with."""


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A command of a page.

    Attributes:
        page: The page, as it is called in this repository.
        words: The command, with the values of the page's variables.
        kind: A ``line`` of a block can be typed as it stands; within the text there are ``options``
            of a command, or its ``name``.
    """

    page: str
    words: tuple[str, ...]
    kind: Literal["line", "options", "name"]

    def __str__(self) -> str:
        return f"{Path(self.page).stem}: {shlex.join(self.words)}"


def printed() -> list[Printed]:
    """Every command of every page, once for each page."""
    found: dict[Printed, None] = {}
    for path in PAGES:
        page, text = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        for kind, block in FENCE.findall(text):
            commands = [] if kind not in ("", "bash", "sh") else commands_of(block)
            found |= dict.fromkeys(
                Printed(page=page, words=tuple(x), kind="line") for x in commands
            )
        for line in INLINE.findall(FENCE.sub("", text)):
            said = tuple(word for word in shlex.split(line) if word != "...")
            of = "name" if " -" not in line or "..." in line else "options"
            found[Printed(page=page, words=said, kind=of)] = None
    return list(found)


def commands_of(block: str) -> list[list[str]]:
    """The commands of a block of lines; none if it shows something else."""
    variables: dict[str, str] = {}
    commands = []
    for line in block.replace("\\\n", " ").splitlines():
        for part in re.split(r" && |; ", line.partition("  #")[0].strip()):
            loop = re.fullmatch(r"for (\w+) in (\S+) .*", part)
            assigned = re.fullmatch(r"(\w+)=(.*)", part)
            if loop or assigned:
                name, value = (loop or assigned).groups()  # type: ignore[union-attr]
                variables[name] = value.strip('"')
                continue
            text = re.sub(r"\$(\w+)", lambda x: variables.get(x[1], x[1]), part)
            words = shlex.split(text.removeprefix("do "), comments=True)
            if words and words[0] in PROGRAMS:
                commands.append(words)
    return commands
