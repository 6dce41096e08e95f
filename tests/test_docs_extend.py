"""The snippets of docs/extend.md run, section by section, in the order they stand there."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from fcmae.model.kinds import KINDS

PAGE = Path(__file__).parents[1] / "docs" / "extend.md"
MAX_LINES = 15
"""Of the loop of one's own that the page shows."""


def sections() -> dict[str, list[str]]:
    """The snippets of each section that has any."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {
        title: re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {title: snippets for title, snippets in found.items() if snippets}


@pytest.mark.parametrize("title", sections())
def test_the_snippets_of_a_section_run(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = re.sub(r"\W+", "_", title.lower())
    path = tmp_path / f"{name}.py"
    path.write_text("\n".join(sections()[title]), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # the processes of a loader look for it there
    monkeypatch.syspath_prepend(str(tmp_path))
    before = dict(KINDS)
    try:
        spec.loader.exec_module(module)
    finally:
        KINDS.clear()
        KINDS.update(before)


def test_the_page_has_all_its_sections() -> None:
    assert sections().keys() >= {
        "Your own images",
        "Your own loop",
        "Your own decoder, target, mask",
        "Your own task",
        "Your own net",
    }


def test_a_loop_of_ones_own_is_short() -> None:
    loop = sections()["Your own loop"][0]
    assert len([line for line in loop.splitlines() if line.strip()]) <= MAX_LINES
