"""Functions and their stubs have the types of options, objects of Python included."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

from fcmae.options.objects import FromPython
from fcmae.options.signatures import REQUIRED, docstring_of, keywords_of, signature_of
from fcmae.options.stub import Function, FunctionFamily, Stub

ARRAYS = FromPython(words="an array n h w c", alias="some.module.Images")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Things of one kind: these."""

    ratio: float = 0.5
    """A share."""

    sides: tuple[int, int] = (1, 2)
    """Two sides."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Does something.

    With a second paragraph.
    """

    data: Path | Annotated[object, ARRAYS]
    """The images."""

    kinds: list[Literal["a", "b"]] = field(default_factory=lambda: ["a"])
    """Several words."""

    weights: str | None = None
    """Where to begin."""

    group: Group = Group(ratio=0.25)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of it."""


DONE = Function(options=Options, result=Done)


def test_keywords_take_what_is_converted() -> None:
    data, kinds, weights, group = keywords_of(Options)
    assert (data.hint, data.default, data.objects) == (str | PathLike[str], REQUIRED, ARRAYS)
    assert kinds.hint == Literal["a", "b"] | Sequence[Literal["a", "b"]]
    assert kinds.default == ["a"]
    assert weights.hint == str | None | PathLike[str]
    assert (group.hint, group.default) == (Group | Mapping[str, Any] | None, None)


def test_the_signature_begins_with_the_dataclass() -> None:
    signature = signature_of(Options, Done)
    assert list(signature.parameters) == ["options", "config", "data", "kinds", "weights", "group"]
    options = signature.parameters["options"]
    assert options.kind is inspect.Parameter.POSITIONAL_ONLY
    assert options.annotation == Options | None
    assert signature.return_annotation is Done


def test_the_docstring_tells_defaults_of_groups_and_objects() -> None:
    doc = docstring_of(Options, Done)
    assert doc.startswith("Does something.\n\nWith a second paragraph.\n\nArgs:\n    options: All")
    assert "    data: The images. Also an array n h w c. Must be given.\n" in doc
    assert "a mapping of: ratio (0.25), sides ((1, 2))." in " ".join(doc.split())
    assert "Returns:\n    Done: What came of it.\n" in doc


def test_a_stub_imports_the_types_that_it_meets() -> None:
    stub = Stub("A stub.", public={(__name__, "Done"): ("package", "Finished")})
    stub.function("do", DONE)
    text = str(stub)
    assert "from some.module import (\n    Images,\n)" in text
    assert "    data: Images = ...,\n" in text
    assert "    weights: str | None | PathLike[str] = None,\n" in text
    assert ") -> Finished:" in text
    assert "from package import (\n    Finished,\n)" in text
    compile(text, "stub", "exec")


def test_a_family_has_overloads_and_its_members() -> None:
    stub = Stub("A stub.")
    doc = "Does one of two."
    members = {"one": DONE, "two": DONE}
    stub.family("choose", FunctionFamily(doc=doc, parameter="what", members=members, default="one"))
    text = str(stub)
    assert text.count("@overload") == 2
    assert 'what: Literal["one"] | Options = "one",' in text
    assert 'what: Literal["two"] | Options,' in text
    assert text.count("@staticmethod") == 2
    assert text.endswith("\nchoose: _Choose\n")
    compile(text, "stub", "exec")
