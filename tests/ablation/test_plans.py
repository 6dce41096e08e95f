"""What cannot work is told in one line before anything runs; what is shipped can work."""

import time
from pathlib import Path

import pytest
from bad_plans import BAD_PLANS, BAD_WORDS
from stubs import Desk, StubCommands

from fcmae.ablation.layers import layered, merged
from fcmae.cli import ablate_wiring as wiring
from fcmae.cli.main import main


@pytest.mark.parametrize("text", BAD_PLANS, ids=lambda text: text[-60:])
def test_a_wrong_plan_says_where(text: str, desk: Desk) -> None:
    with pytest.raises(ValueError, match=r"\S") as told:
        wiring.check(desk.options(text), StubCommands())
    assert str(told.value).startswith("the plan ")
    assert BAD_PLANS[text] in str(told.value)


@pytest.mark.parametrize("words", BAD_WORDS, ids=" ".join)
def test_a_wrong_line_is_told_at_once_with_its_code(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = BAD_WORDS[words]
    line = ["ablate", "decoder-depth", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*line, *words]) == code
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert not (tmp_path / "out").exists()


def test_layers_lie_over_each_other_option_by_option(tmp_path: Path) -> None:
    plans = {
        "low": {"steps": {"a": {"optim": {"epochs": "5"}, "size": "64"}}, "seeds": ["0"]},
        "mid": {"base": "low", "steps": {"a": {"optim.epochs": "6", "optim": {"ema": "0.9"}}}},
        "top": {
            "base": "mid",
            "steps": {"a": {"optim": {"epochs": "7"}}},
            "variants": {"small": {"seeds": ["1"], "base": "low"}},
        },
    }
    read = plans.__getitem__
    assert layered("mid", read, None)["steps"]["a"] == {
        "optim.epochs": "6", "size": "64", "optim.ema": "0.9",
    }  # fmt: skip
    small = layered("top", read, "small", ["a.size=32", "common.k=1"])
    assert small["steps"]["a"] == {"optim.epochs": "7", "size": "32"}
    assert (small["seeds"], small["common"]) == (["1"], {"k": "1"})
    with pytest.raises(ValueError, match="based on more than 8 others"):
        layered("me", lambda _: {"base": "me"}, None)


def test_a_step_with_another_command_begins_anew() -> None:
    lower = {"a": {"command": "pretrain", "mask.ratio": "0.5"}}
    assert merged(lower, {"a": {"command": "contrast"}}) == {"a": {"command": "contrast"}}
    assert merged(lower, {"a": {"command": "pretrain"}}) == lower
