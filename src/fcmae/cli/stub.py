"""``python -m fcmae.cli.stub``: writes what type checkers and IDEs read of the Python functions."""

from pathlib import Path

from fcmae.cli.commands import COMMANDS
from fcmae.cli.functions import FAMILIES, family_of, types_of
from fcmae.options.stub import Stub
from fcmae.public import PLACES

PACKAGE = Path(__file__).parents[1]
NOTE = "Written by ``python -m fcmae.cli.stub``: do not edit."


def stubs() -> dict[Path, str]:
    """The text of each stub, by the file that it belongs in."""
    return {PACKAGE / "__init__.pyi": _package(), PACKAGE / "api.pyi": _functions()}


def _package() -> str:
    stub = Stub(f"The public names of fcmae. {NOTE}")
    for name, (module, there) in PLACES.items():
        stub.pass_on(module, there if there == name else f"{there} as {name}")
    exported = "".join(f'    "{name}",\n' for name in PLACES)
    return f"{stub}\n__version__: str\n__all__ = [\n{exported}]\n"


def _functions() -> str:
    public = {place: ("fcmae", name) for name, place in PLACES.items()}
    stub = Stub(f"Types of the functions of fcmae. {NOTE}", public=public)
    stub.pass_on("fcmae.cli.functions", "options_of as options_of")
    stub.pass_on("fcmae.cli.load", "load as load")
    for name in dict.fromkeys(command.split()[0] for command in sorted(COMMANDS)):
        if name in FAMILIES:
            stub.family(name, family_of(name))
        else:
            stub.function(name, types_of(COMMANDS[name]))
    return str(stub)


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
