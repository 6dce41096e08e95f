"""A desk to run plans on."""

from pathlib import Path

import pytest
from stubs import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Without pictures, which cost more than all that the stubs compute."""
    monkeypatch.setattr("fcmae.ablation.write.draw", lambda path, plan, rows: path)
    monkeypatch.setenv("STUB_CALLS", str(tmp_path / "calls"))
    return Desk(tmp_path)
