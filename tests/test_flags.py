"""Messages name options as flags on the command line, and as keywords in Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fcmae
from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import main
from fcmae.flags import list_of_options, option, written_as_flags
from fcmae.options.fields import fields_of

PACKAGE = Path(fcmae.__file__).parent
COMMAND_LINE_ONLY = ("cli/help.py", "cli/main.py", "cli/show/", "cli/shared/show.py", "cli/launch/")
COMMAND_LINE_ONLY += ("cli/commands/", "cli/datasets/check.py", "options/parse.py", "flags.py")
FLAG = re.compile(r"(?<![\w`-])--[a-z][\w.]*")


@pytest.mark.parametrize(
    ("given", "flag", "keyword"),
    [
        (("out",), "--out", "out="),
        (("run.seed",), "--run.seed", 'run={"seed": ...}'),
        (("run.resume", "false"), "--run.resume false", 'run={"resume": False}'),
        (("gpus", "2"), "--gpus 2", "gpus=2"),
        (("kind", "numbers"), "--kind numbers", 'kind="numbers"'),
        (("model", "timm:resnet18"), "--model timm:resnet18", 'model="timm:resnet18"'),
    ],
)
def test_an_option_is_written_as_one_gives_it(
    given: tuple[str, ...], flag: str, keyword: str
) -> None:
    assert option(*given) == keyword
    with written_as_flags():
        assert option(*given) == flag
    assert option(*given) == keyword


def test_the_keyword_is_valid_python() -> None:
    for given in (("run.resume", "false"), ("run.seed",), ("size", "64"), ("adapt", "repeat")):
        ast.parse(f"call({option(*given)})")


def test_where_options_are_listed_is_said_likewise() -> None:
    assert list_of_options() == "help() of the function lists them."
    assert list_of_options("loader has workers.") == "loader has workers."
    with written_as_flags():
        assert list_of_options("loader has workers.") == "--help all lists them."


def test_the_same_error_is_told_in_either_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=r"^data= must be given\. data: Folder"):
        fcmae.pretrain(out=tmp_path)
    assert main(["pretrain", "--out", str(tmp_path)]) == 2
    assert "fcmae: --data must be given. data: Folder" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"no option zzz\. help\(\) of the function lists them"):
        fcmae.pretrain(zzz=1)
    with pytest.raises(
        ValueError, match=r"no option loader\.qqqqqqq\. loader has workers, timeout"
    ):
        fcmae.pretrain(loader={"qqqqqqq": 1})


def test_a_failed_command_line_leaves_keywords_behind() -> None:
    assert main(["pretrain", "--zzz"]) == 2
    assert option("out") == "out="


def messages(path: Path) -> Iterator[str]:
    """The texts of a file that are neither docstrings, help of fields, nor words of commands."""
    tree = ast.parse(path.read_text())
    inner = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.JoinedStr):
            parts = [node.value] if isinstance(node, ast.Expr) else node.values
            inner |= {id(part) for part in parts}
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def flags_in(text: str) -> list[str]:
    """The flags in a text, but not those of commands in backticks, nor in a word of its own."""
    if re.fullmatch(r"--[\w.-]+(=\S*)?", text):
        return []
    return FLAG.findall(re.sub(r"`[^`]*`", "", text))


FILES = [str(path.relative_to(PACKAGE)) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.mark.parametrize("name", [n for n in FILES if not n.startswith(COMMAND_LINE_ONLY)])
def test_no_message_of_the_library_has_a_flag_of_its_own(name: str) -> None:
    found = [flag for text in messages(PACKAGE / name) for flag in flags_in(text)]
    assert not set(found) - {"--shm"}, "name options by fcmae.flags.option"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "launch"])
def test_the_help_of_options_names_no_flags(command: str) -> None:
    options = COMMANDS[command].options
    texts = [field.help for field in fields_of(options).values()]
    assert not [flag for text in [*texts, str(options.__doc__)] for flag in FLAG.findall(text)]
