"""The functions have real signatures, for ``help``, IDEs and type checkers."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from mypy import api as mypy

import fcmae
from fcmae.cli.commands import COMMANDS
from fcmae.cli.stub import stubs
from fcmae.options.fields import fields_of, groups_of
from fcmae.public import HOMES

FUNCTIONS = {name: name.replace(" ", ".") for name in COMMANDS}

EXAMPLE = """\
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import TensorDataset

import fcmae
from fcmae import Mask, Optim, Pretrain

run = fcmae.pretrain(data="photos", out="runs/a", size=64, mask=Mask(ratio=0.75))
fcmae.pretrain(Pretrain(data=run.out, out=run.out), optim={"epochs": 3})
weights: Path = fcmae.finetune("classify", data="a", out="b", weights=run.weights).weights
fcmae.finetune(fcmae.FinetuneDetect(data=run.out, out=run.out), optim=Optim(epochs=1)).out
fcmae.evaluate.linear(data="labelled", weights=run.weights, seed=1)
fcmae.pretrain(data=np.zeros((9, 64, 64, 3), np.uint8), out=run.out)
fcmae.finetune(data=TensorDataset(torch.zeros(9, 3, 8, 8), torch.zeros(9)), out="b", val=None)
fcmae.finetune(data=fcmae.ImageData([np.zeros((8, 8)), Path("a.png")], labels=[0, 1]), out="b")
fcmae.embed(data=(torch.zeros(9, 3, 8, 8), [0] * 9), weights="a", out="b.csv")
fcmae.embed(data=["a", Path("b")], weights="a", out="b.csv")
fcmae.pretrain(dataset="photos", out="runs/a")  # no such keyword
fcmae.pretrain(data="photos", out="runs/a", size="large")  # no such type
fcmae.finetune("segment", data="a", out="b", k=3)  # no such keyword
fcmae.finetune.segment(data="a", out="b", bad_labels="stop")  # no such keyword
fcmae.predict("caption", data="a")  # no such task
fcmae.bench("input", data="a", size=(1, 2)).nothing  # no such number
"""

WITH_TYPES = ["fcmae", "fcmae.notebook", *(name for name in HOMES if ".model." not in name)]
"""Modules that a type checker has to read for it, which spares the test all others."""


def function(name: str) -> Any:
    family, _, member = name.partition(".")
    return getattr(getattr(fcmae, family), member) if member else getattr(fcmae, family)


@pytest.mark.parametrize(("command", "name"), FUNCTIONS.items())
def test_a_signature_has_a_keyword_for_every_option(command: str, name: str) -> None:
    options = COMMANDS[command].options
    parameters = inspect.signature(function(name)).parameters
    assert list(parameters) == ["options", "config", *(field.name for field in fields(options))]
    for option in fields_of(options).values():
        if not option.required and not option.group:
            assert parameters[option.name].default == option.default
    assert all(parameters[group].default is None for group in groups_of(options))


@pytest.mark.parametrize(("command", "name"), FUNCTIONS.items())
def test_a_docstring_explains_every_option(command: str, name: str) -> None:
    doc = " ".join(function(name).__doc__.split())
    for option in fields_of(COMMANDS[command].options).values():
        said = f"{option.name.rpartition('.')[2]} (" if option.group else f"{option.name}: "
        assert said in doc
        assert option.group or option.help in doc


def test_help_shows_types_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    help(fcmae.pretrain)
    said = capsys.readouterr().out
    assert "size: int | tuple[int, int] = 224" in said
    assert "out: str | os.PathLike[str] = <must be given>" in said
    assert "data: Union[str, os.PathLike[str], Annotated[object, 'an array n h w c, a" in said
    assert "\n    Args:\n" in said
    help(fcmae.finetune)
    said = capsys.readouterr().out
    assert "classify: Train a classifier" in said
    assert "help(fcmae.finetune.classify)" in said


@pytest.mark.parametrize("path", stubs(), ids=lambda path: path.name)
def test_the_stubs_are_those_of_the_options(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    assert written == stubs()[path], "run: python -m fcmae.cli.stub"


def test_type_checkers_refuse_wrong_keywords_and_types(tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    example.write_text(EXAMPLE)
    config = tmp_path / "mypy.ini"
    followed = "".join(f"[mypy-{name}]\nfollow_imports = silent\n" for name in WITH_TYPES)
    config.write_text(f"[mypy]\nfollow_imports = skip\n{followed}")
    cache = f"--cache-dir={tmp_path / 'cache'}"
    said, problems, _ = mypy.run([str(example), f"--config-file={config}", cache])
    assert not problems
    wrong = [n for n, line in enumerate(EXAMPLE.splitlines(), 1) if "# no such" in line]
    told = {int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line}
    assert sorted(told) == wrong, said
    assert 'Unexpected keyword argument "dataset" for "pretrain"' in said
    assert 'Argument "size" to "pretrain" has incompatible type "str"' in said
