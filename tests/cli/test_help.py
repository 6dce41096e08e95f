"""Every command explains itself, without PyTorch."""

import json
import subprocess
import sys

import pytest

from fcmae import __version__
from fcmae.cli.command import PURPOSES
from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import main
from fcmae.options.fields import fields_of, groups_of


def page(capsys: pytest.CaptureFixture[str], name: str, *topic: str) -> str:
    assert main([*name.split(), "--help", *topic]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_all_help_names_every_option_and_begins_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = page(capsys, name, "all")
    assert said.startswith(f"fcmae {name}")
    assert COMMANDS[name].example in said
    for option in fields_of(COMMANDS[name].options):
        assert f"--{option}" in said
    assert said.index("Example") < said.index("Options")
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_page_fits_on_a_terminal(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said, options = page(capsys, name), COMMANDS[name].options
    assert len(said.splitlines()) <= 40
    shown, more = said.split("\nMore: ")
    assert {f.name for f in fields_of(options).values() if f.required} <= {
        *COMMANDS[name].first_page
    }
    for option in COMMANDS[name].first_page:
        assert f"\n  --{option} " in shown
    for group in ["options", *groups_of(options)]:
        assert f"\n  {group} " in more
    assert COMMANDS[name].example in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_group_has_a_page_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    fields = fields_of(COMMANDS[name].options).values()
    for group in ["options", *groups_of(COMMANDS[name].options)]:
        said = page(capsys, name, group)
        inside = {f.name for f in fields if f.group == ("" if group == "options" else group)}
        assert {f.name for f in fields if f"\n  --{f.name} " in said} == inside


def test_a_group_is_asked_for_in_three_ways(capsys: pytest.CaptureFixture[str]) -> None:
    said = page(capsys, "pretrain", "mask")
    assert said.startswith("mask  Masking of patches")
    assert main(["pretrain", "--help=mask"]) == 0
    assert capsys.readouterr().out == said
    assert main(["pretrain", "-h", "mask"]) == 0
    assert capsys.readouterr().out == said


def test_an_unknown_group_is_told_with_the_close_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "--help", "optm"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("fcmae: fcmae pretrain has no group of options 'optm'. Did you mean op")
    assert said.count("\n") == 1


def test_usage_is_written_as_it_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    usages = {
        "report": "fcmae report RUNS [options]",
        "ablate": "fcmae ablate PLAN --data PATH --out PATH [options]",
        "launch": "fcmae launch [options] -- COMMAND",
    }
    for name, usage in usages.items():
        assert main([name, "--help"]) == 0
        assert capsys.readouterr().out.splitlines()[0] == usage


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    silent = [f.name for f in fields_of(COMMANDS[name].options).values() if not f.help]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_command_lines_that_parse(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[name].example.removeprefix(f"fcmae {name}").split()
    assert COMMANDS[name].example.startswith(f"fcmae {name}")
    assert main([*name.split(), "--print-config", *words]) == 0
    assert "Still to be given" not in capsys.readouterr().out


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in COMMANDS)
    headings = [said.index(f"\n{title}\n") for title in PURPOSES.values()]
    assert headings == sorted(headings)
    assert main(["finetune", "--help"]) == 0
    assert "finetune classify" in capsys.readouterr().out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fcmae {__version__}\n"


def test_no_help_needs_pytorch() -> None:
    script = (
        "import json, sys\n"
        "import fcmae\n"
        "from fcmae.cli.main import main\n"
        "for name in json.load(sys.stdin):\n"
        "    assert main([*name.split(), '--help', 'all']) == 0\n"
        "assert main(['info', '--model', 'atto', '--json', '-']) == 0\n"
        "heavy = {'torch', 'matplotlib', 'skimage', 'timm'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(list(COMMANDS)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
