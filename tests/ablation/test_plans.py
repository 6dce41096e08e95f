"""What cannot work is told in one line before anything runs; what is shipped can work."""

import re
from pathlib import Path
from typing import Any

import pytest
from bad_plans import BAD_PLANS, BAD_WORDS
from papers import PAPER
from stubs import Desk, StubCommands

from fcmae.ablation.layers import layered, merged
from fcmae.ablation.plan import plan_of
from fcmae.ablation.steps import Setting, unique
from fcmae.cli.ablate import wiring
from fcmae.cli.ablate.ablate import Ablate
from fcmae.cli.ablate.steps import StepCommands
from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import main
from fcmae.options.recipes import PLANS as PLANS_FOLDER
from fcmae.options.recipes import plan_names


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
    named = {"pretrain": {"mask.ratio": "0.5"}}
    assert merged(named, {"pretrain": {"command": "pretrain"}}) == {
        "pretrain": {"mask.ratio": "0.5", "command": "pretrain"}
    }


BASES = ("bases/full", "bases/small")
PLANS = [name for name in plan_names() if name not in BASES]


class Counting(StepCommands):
    """Counts how often the options of a step are made."""

    resolved = 0

    def resolve(self, *step: Any) -> dict[str, Any]:
        self.resolved += 1
        return super().resolve(*step)


def checked(
    name: str, folder: Path, variant: str | None = None, commands: StepCommands | None = None
) -> wiring.CheckedPlan:
    options = Ablate(plan=name, data=folder, out=folder / "out", variant=variant)
    return wiring.check(options, commands or StepCommands(COMMANDS))


def _keys(setting: Setting) -> tuple[str, ...]:
    return tuple(step.key for step in setting.steps)


@pytest.mark.parametrize("variant", [None, pytest.param("small", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", PLANS)
def test_every_plan_of_the_package_can_be_run(
    name: str, variant: str | None, tmp_path: Path
) -> None:
    commands = Counting(COMMANDS)
    found = checked(name, tmp_path, variant, commands)
    assert 0 < commands.resolved <= len(unique(found.settings))
    assert len(found.plan.cells) > 1
    assert len({_keys(setting) for setting in found.settings}) == len(found.settings)
    assert found.plan.best_over if variant else not found.plan.best_over
    assert len(found.plan.seeds) == (3 if variant else 1)


def test_the_small_variants_fit_small_images(tmp_path: Path) -> None:
    pretrain, finetune = checked("decoder-depth", tmp_path, "small").settings[0].steps
    assert (pretrain.options["model"], pretrain.options["size"]) == ("v1-atto", 128)
    assert (pretrain.options["optim.batch_size"], pretrain.options["optim.epochs"]) == (128, 40)
    assert (finetune.options["size"], finetune.options["optim.epochs"]) == (128, 40)


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_numbers_are_those_of_its_tables(name: str, tmp_path: Path) -> None:
    assert {cell.name: cell.paper for cell in checked(name, tmp_path).plan.cells} == PAPER[name]


def test_every_plan_with_a_number_of_the_paper_is_held_to_it() -> None:
    texts = {name: (PLANS_FOLDER / f"{name}.yaml").read_text() for name in PLANS}
    assert {name for name, text in texts.items() if "paper:" in text} == PAPER.keys()


def test_table_3_shares_nothing_but_what_is_the_same(tmp_path: Path) -> None:
    settings = {s.cell: s for s in checked("table-3-codesign", tmp_path).settings}
    assert [step.name for step in settings["v1-supervised"].steps] == ["finetune"]
    v1, v2 = (settings[f"v{version}-fcmae"].steps for version in (1, 2))
    assert [step.options["model"] for step in (v1[0], v2[0])] == ["v1-base", "base"]
    assert v1[0].options["optim.epochs"] == v2[0].options["optim.epochs"] == 800
    assert v1[1].options == v2[1].options
    assert v1[1].key != v2[1].key


def test_the_plans_on_the_page_can_be_run(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "ablate.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    counts = []
    for number, block in enumerate(blocks):
        plan = tmp_path / f"{number}.yaml"
        plan.write_text(block)
        counts.append(len(checked(str(plan), tmp_path).plan.cells))
    assert counts == [3, 5, 1]


def test_each_number_of_the_collapse_plan_is_one_that_an_analysis_sums_up(tmp_path: Path) -> None:
    also = checked("collapse", tmp_path).plan.also
    analysed = [metric.path.split(".", 2) for metric in also.values() if metric.step == "look"]
    assert {(first, name) for first, name, _ in analysed} == {
        ("summary", name)
        for name in ("feature_distance", "class_selectivity", "inactive_channels", "effective_rank")
    }
    of_look = checked("collapse", tmp_path).settings[0].steps[-2]
    assert {name for _, name, _ in analysed} <= set(of_look.options.get("what", ()))


def test_the_page_lists_every_plan() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ablate.md").read_text()
    assert [name for name in PLANS if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("path", "direction"),
    [
        ("top1", "maximize"),
        ("metrics.neighbours/top1", "maximize"),
        ("metrics.loss", "minimize"),
        ("metrics.val/mae", "minimize"),
        ("summary.box_loss", "minimize"),
        ("loss.glossy", "maximize"),
        ("perplexity", "minimize"),
        ("abs_err", "minimize"),
        ("meanAbsError", "minimize"),
        ("testMSELoss", "minimize"),
        ("reconstruction_loss.mean", "minimize"),
        ("losses.val.last", "minimize"),
        ("summary.feature_distance.last", "maximize"),
        ("terror", "maximize"),
        ("neg_mean_squared_error", "maximize"),
        ("mean", "maximize"),
    ],
)
def test_a_number_should_be_high_unless_its_name_or_the_plan_says_otherwise(
    path: str, direction: str
) -> None:
    tree: Any = {"metric": f"pretrain.{path}", "steps": {"pretrain": {}}}
    assert plan_of(tree, "a", StubCommands()).direction == direction
    other = {"maximize": "minimize", "minimize": "maximize"}[direction]
    for said in (
        {"direction": other},
        {"search": {"direction": other}},
        {"direction": other, "search": {"direction": other}},
        {"direction": other, "search": {"direction": "null"}},
    ):
        assert plan_of({**tree, **said}, "a", StubCommands()).direction == other
