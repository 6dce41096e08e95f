"""Options are read off dataclasses, also where one is made of others."""

from dataclasses import dataclass

from fcmae.options.fields import fields_of, groups_of, nested


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Reading of files."""

    workers: int = 2
    """Processes that read."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """Options of several commands."""

    reading: Reading = Reading()

    size: int = 224
    """Side in pixels."""

    weights: str
    """A file."""


@dataclass(frozen=True, kw_only=True)
class Command(Base):
    """Options of one command."""

    size: int = 64
    """Side of a window."""

    out: str
    """Where to write."""

    top: int = 5
    """How many."""


def test_a_command_has_the_options_and_the_help_of_its_base() -> None:
    fields = fields_of(Command)
    helps = {name: field.help for name, field in fields.items()}
    assert helps == {
        "weights": "A file.",
        "out": "Where to write.",
        "size": "Side of a window.",
        "top": "How many.",
        "reading.workers": "Processes that read.",
    }
    assert (fields["size"].default, fields["weights"].required) == (64, True)


def test_required_options_come_first_and_groups_last() -> None:
    names = list(nested(Command(weights="w", out="o")))
    assert names == ["weights", "out", "size", "top", "reading"]
    assert groups_of(Command) == {"reading": "Reading of files."}
    assert list(fields_of(Command)) == [*names[:-1], "reading.workers"]
