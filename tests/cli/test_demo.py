"""The demo goes all the way on real photographs, and says what it found."""

import json
from pathlib import Path

import pytest

from fcmae.cli.demo.demo import FULL, QUICK
from fcmae.cli.demo.table import row
from fcmae.cli.main import main


@pytest.mark.full
def test_the_quick_demo_goes_all_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    words = ["demo", "--quick", "--out", f"{out}", "--run.device", "cpu"]
    assert main([*words, "--json", f"{tmp_path}/table.json"]) == 0
    said = capsys.readouterr()
    answer = json.loads((tmp_path / "table.json").read_text())
    assert [entry["start"] for entry in answer["rows"]] == ["from scratch", "pre-trained"]
    for entry in answer["rows"]:
        assert entry["finetuned"] == max(entry["by_rate"].values())
        assert set(entry["by_rate"]) == {f"{rate:g}" for rate in QUICK.rates}
    assert answer["classes"] == 16
    for name in ("report", "reconstructions", "confusion", "weights"):
        assert Path(answer[name]).is_file()
        assert answer[name] in said.out
    assert "from scratch" in said.out
    assert "1/6" in said.err


def test_both_starts_are_given_the_better_of_the_same_rates() -> None:
    chosen = row("pre-trained", 0.5, {1e-3: 0.6, 4e-3: 0.7})
    assert (chosen.base_lr, chosen.finetuned) == (4e-3, 0.7)
    assert chosen.by_rate == {"0.001": 0.6, "0.004": 0.7}
    assert len(FULL.rates) >= 2
