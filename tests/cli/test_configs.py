"""A config is the same text as flags, and can do nothing else."""

import sys
from pathlib import Path

import pytest
import yaml

from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import main
from fcmae.options.fields import fields_of, nested
from fcmae.options.parse import build, read_command_line
from fcmae.options.recipes import read_config
from fcmae.training import Pretrain

NEEDED = ["--data", "photos", "--out", "runs/a"]


def options(*words: str, kind: type = Pretrain) -> object:
    return build(kind, read_command_line(words, kind).values)


def config(folder: Path, text: str, name: str = "config.yaml") -> str:
    path = folder / name
    path.write_bytes(text.encode())
    return str(path)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_printed_config_gives_the_same_options(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[name].example.removeprefix(f"fcmae {name}").split()
    assert main([*name.split(), "--print-config", *words]) == 0
    printed = capsys.readouterr().out
    assert main([*name.split(), "--config", config(tmp_path, printed), "--print-config"]) == 0
    assert capsys.readouterr().out == printed


def test_a_printed_config_without_what_must_be_given_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretrain", "--mask.ratio", "0.75", "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Still to be given: data, out\n")
    assert options("--config", config(tmp_path, printed), *NEEDED) == options(
        *NEEDED, "--mask.ratio", "0.75"
    )


def test_later_configs_win_and_typed_options_win_over_all(tmp_path: Path) -> None:
    one = config(tmp_path, "optim: {epochs: 5, batch_size: 8}\nmodel: tiny", "one.yaml")
    two = config(tmp_path, "optim.epochs: 6\nrun:\n  log-every: 3", "two.yaml")
    got = options(
        "--model", "nano", "--config", one, *NEEDED, "--config", two, "--optim.warmup-epochs=1"
    )
    assert isinstance(got, Pretrain)
    assert (got.model, got.optim.epochs, got.optim.batch_size) == ("nano", 6, 8)
    assert (got.run.log_every, got.optim.warmup_epochs) == (3, 1.0)


def test_hyphens_and_underscores_are_the_same() -> None:
    assert options(*NEEDED, "--optim.batch-size", "8") == options(*NEEDED, "--optim.batch_size=8")


@pytest.mark.parametrize(
    "words",
    [["--size", "64,96"], ["--size", "[64,96]"], ["--size=[64, 96]"], ["--size", "(64,96)"]],
    ids=str,
)
def test_a_pair_can_be_written_in_several_ways(words: list[str]) -> None:
    got = options(*NEEDED, *words)
    assert isinstance(got, Pretrain)
    assert got.size == (64, 96)


def test_a_switch_alone_means_true() -> None:
    got = options("--encoder.checkpointing", *NEEDED, "--run.resume", "false")
    assert isinstance(got, Pretrain)
    assert got.encoder.checkpointing
    assert not got.run.resume


def test_numbers_that_yaml_takes_for_text_are_numbers(tmp_path: Path) -> None:
    text = "\ufeffoptim:\r\n  base_lr: 1e-3\r\n  clip_grad: null\r\n  betas: [0.9, 0.99]\r\n"
    got = options("--config", config(tmp_path, text), *NEEDED)
    assert isinstance(got, Pretrain)
    assert (got.optim.base_lr, got.optim.clip_grad) == (1e-3, None)
    assert got.optim.betas == (0.9, 0.99)


BAD_CONFIGS = {
    "mask: {ratoi: 0.5}": "there is no key mask.ratoi. Did you mean mask.ratio?",
    "modle: atto": "there is no key modle. Did you mean model?",
    "mask: 0.5": "mask is a group of options: mask.ratio, mask.patch, mask.pattern,",
    "optim:\n\tepochs: 3": "line 2: found character '\\t' that cannot start any token.",
    "model: atto\nmodel: tiny": "line 2: the key model appears twice.",
    "a: &x [1]\nb: *x": "line 2: references (*name) are not allowed.",
    "- model\n- atto": "must hold keys with values, such as 'model: atto'.",
    "just words": "must hold keys with values",
    "[1]: 2": "line 1: a key must be a single word.",
    "model: [atto": "line 1: ",
    "model:": "model is empty, but must be text or null",
    "size: {height: 3}": "there is no key size.height.",
    "optim: {epochs: no}": "optim.epochs is 'no', but must be a whole number.",
    "optim: {epochs: 1e3}": "optim.epochs is '1e3', but must be a whole number.",
    "optim: {betas: 0.9}": "optim.betas is '0.9', but must be two numbers such as [0.9,0.9].",
    "run: {seed: -1}": "run.seed is -1, but must be 0 or more.",
    "mask: {ratio: !!python/name:os.system ''}": "mask.ratio is empty, but must be a number.",
    "!!python/object/apply:os.system ['true']": "must hold keys with values",
    "x" * 200_000: "has 200000 bytes, but a recipe has at most 100000",
    "[" * 50_000: "is nested too deeply to be a recipe.",
    "\0": "is not YAML: unacceptable character #x0000",
}


@pytest.mark.parametrize(("text", "message"), BAD_CONFIGS.items(), ids=lambda x: x[:40])
def test_a_bad_config_is_told_in_one_line(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretrain", *NEEDED, "--config", config(tmp_path, text)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("fcmae: ")
    assert said.count("\n") == 1
    assert message in said


def test_a_config_that_is_not_text_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert main(["pretrain", *NEEDED, "--config", str(path)]) == 2
    assert "is not text in UTF-8." in capsys.readouterr().err


PAYLOADS = [
    "{class_path: sentinel.Touch}",
    "{class_path: os.system, init_args: {command: touch %s}}",
    "sentinel.touch",
    "!!python/object/apply:os.system [touch %s]",
    "!!python/module:sentinel",
    "%s",
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("key", ["data", "out", "model", "mask", "optim.betas", "loader.mean", "x"])
def test_no_config_and_no_flag_runs_code(
    key: str,
    payload: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    touched = tmp_path / "touched"
    code = f"from pathlib import Path\nPath({str(touched)!r}).touch()\ndef touch(): pass\n"
    (tmp_path / "sentinel.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    value = payload.replace("%s", str(touched))
    from_file = config(tmp_path, f"{key}: {value}")
    main(["pretrain", "--config", from_file, "--print-config"])
    main(["pretrain", f"--{key}", value, "--print-config"])
    assert "Traceback" not in capsys.readouterr().err
    assert not touched.exists()
    assert "sentinel" not in sys.modules


def test_defaults_are_written_as_yaml_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", "classify", "--print-config"]) == 0
    tree = yaml.safe_load(capsys.readouterr().out)
    assert tree["optim"]["betas"] == [0.9, 0.999]
    assert tree["weights"] is None


def test_a_recipe_is_found_by_its_name() -> None:
    assert read_config("pretrain")["optim.batch_size"] == "4096"


def test_the_printed_options_are_all_there() -> None:
    got = options(*NEEDED)
    assert list(nested(got)) == list(dict.fromkeys(n.split(".")[0] for n in fields_of(Pretrain)))
