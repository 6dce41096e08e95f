"""A desk to run plans on."""

from pathlib import Path

import pytest
from stubs import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("STUB_CALLS", str(tmp_path / "calls"))
    return Desk(tmp_path)
