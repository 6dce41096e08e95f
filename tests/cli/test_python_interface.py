"""The functions take what the command line takes, and the names are there."""

import dataclasses
import importlib.metadata
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fcmae
from fcmae.api import options_of
from fcmae.cli.commands import COMMANDS
from fcmae.data.options import Augment
from fcmae.masking import Mask
from fcmae.optim.options import Optim
from fcmae.options.keywords import whole_values
from fcmae.options.parse import build, read_command_line

SAME: list[tuple[str, str, dict[str, Any]]] = [
    ("pretrain", "--data a --out b", {"data": "a", "out": "b"}),
    (
        "pretrain",
        "--data a --out b --mask.ratio 0.75 --size 64,96",
        {"data": "a", "out": "b", "mask": {"ratio": 0.75}, "size": (64, 96)},
    ),
    (
        "pretrain",
        "--data a --out b --mask.ratio 0.75 --mask.patch 64 --size 128",
        {"data": "a", "out": "b", "mask": Mask(ratio=0.75, patch=64), "size": 128},
    ),
    (
        "finetune classify",
        "--data a --out b --augment.rand_augment null --optim.ema 0.999 --run.resume false",
        {
            "data": "a",
            "out": "b",
            "augment": {"rand_augment": None},
            "optim": {"ema": 0.999},
            "run": {"resume": False},
        },
    ),
    (
        "embed",
        "--data a,b c --weights w --out o.csv",
        {"data": ["a,b", "c"], "weights": "w", "out": "o.csv"},
    ),
    ("embed", "--data a --weights w --out o.csv", {"data": "a", "weights": "w", "out": "o.csv"}),
    (
        "bench pretrain",
        "--model atto v1-tiny --ratio 0.5 0.6",
        {"model": ["atto", "v1-tiny"], "ratio": [0.5, 0.6]},
    ),
]


@pytest.mark.parametrize(("name", "line", "keywords"), SAME, ids=[x[1] for x in SAME])
def test_keywords_and_flags_give_the_same_options(
    name: str, line: str, keywords: dict[str, Any]
) -> None:
    kind = COMMANDS[name].options
    typed = build(kind, read_command_line(shlex.split(line), kind).values)
    assert options_of(name, **keywords) == typed


def test_a_dataclass_replaces_the_whole_group() -> None:
    own = Augment(mixup=0.0, scale=(0.5, 1.0))
    assert options_of("finetune classify", data="a", out="b", augment=own).augment == own
    optim = Optim(epochs=3, warmup_epochs=1.0)
    assert options_of("pretrain", data="a", out="b", optim=optim).optim == optim


def test_configs_are_taken_by_name_and_keywords_win() -> None:
    got = options_of("pretrain", ["pretrain"], data="a", out="b", optim={"epochs": 90})
    assert (got.optim.batch_size, got.optim.epochs) == (4096, 90)


def test_unknown_keywords_are_told() -> None:
    with pytest.raises(
        ValueError, match=r"there is no option mask\.ratoi\. Did you mean mask\.ratio\?"
    ):
        fcmae.pretrain(data="a", out="b", mask={"ratoi": 1})
    with pytest.raises(ValueError, match=r"mask is 0\.5, but must be a dict or a dataclass"):
        fcmae.pretrain(data="a", out="b", mask=0.5)


@pytest.mark.parametrize("name", fcmae.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(fcmae, name).__doc__
    assert name in dir(fcmae)


def test_importing_the_package_imports_nothing_else() -> None:
    script = "import sys, fcmae; assert not {'torch', 'numpy', 'jsonargparse'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_other_names_are_missing_as_anywhere() -> None:
    with pytest.raises(AttributeError, match="module 'fcmae' has no attribute 'nothing'"):
        _ = fcmae.nothing


def test_the_version_is_that_of_the_package() -> None:
    assert importlib.metadata.version("fcmae") == fcmae.__version__


def test_a_function_takes_its_options_whole_and_keywords_over_them() -> None:
    whole = fcmae.Info(model="atto", size=64)
    assert fcmae.info(whole) == fcmae.info(model="atto", size=64)
    changed = fcmae.info(whole, size=96, encoder={"channels": 5})
    assert changed == fcmae.info(model="atto", size=96, encoder={"channels": 5})


def test_a_whole_dataclass_says_the_same_as_its_keywords() -> None:
    whole = options_of(
        "pretrain", data="a", out="b", weights="w", mask={"ratio": 0.75}, augment={"flip": False}
    )
    kind = COMMANDS["pretrain"].options
    assert build(kind, whole_values(whole)) == whole
    assert whole_values(whole).keys() == {"data", "out", "weights", "mask.ratio", "augment.flip"}


def test_a_function_of_a_family_is_chosen_by_a_word_or_by_its_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[Any] = []
    for name in ("finetune classify", "finetune detect"):
        command = dataclasses.replace(COMMANDS[name], run=lambda options, _: ran.append(options))
        monkeypatch.setitem(COMMANDS, name, command)
    fcmae.finetune(data="a", out="b")
    fcmae.finetune("detect", data="a", out="b")
    fcmae.finetune(task="detect", data="a", out="b")
    fcmae.finetune(fcmae.FinetuneDetect(data=Path("a"), out=Path("b")))
    fcmae.finetune.detect(data="a", out="b")
    classify = options_of("finetune classify", data="a", out="b")
    detect = options_of("finetune detect", data="a", out="b")
    assert ran == [classify, detect, detect, detect, detect]


def test_wrong_first_arguments_are_told() -> None:
    call: Any = fcmae.pretrain
    with pytest.raises(ValueError, match=r"pretrain was given Info, but takes Pretrain or keyw"):
        call(fcmae.Info())
    with pytest.raises(ValueError, match="Info sets every option, so config='a' would set none"):
        fcmae.info(fcmae.Info(), config="a")
    family: Any = fcmae.finetune
    with pytest.raises(
        ValueError, match=r"no 'finetune clasify': .* or values\. Did you mean classify\?"
    ):
        family("clasify")
    with pytest.raises(ValueError, match="finetune was given Info, but takes classify, detect"):
        family(fcmae.Info())
    with pytest.raises(TypeError, match=r"evaluate\(\) takes one of classify, detect"):
        fcmae.evaluate()


def test_a_misspelt_keyword_is_told_the_right_one() -> None:
    call: Any = fcmae.pretrain
    with pytest.raises(ValueError, match=r"there is no option dataset\. Did you mean data\?"):
        call(dataset="a", out="b")
