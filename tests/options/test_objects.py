"""Objects of Python reach the options as they are; everything else takes the road of text."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from fcmae.options.fields import fields_of, nested
from fcmae.options.keywords import keyword_values
from fcmae.options.objects import FromPython, is_plain, split_hint, summary
from fcmae.options.parse import build

ARRAYS = FromPython(words="an array n h w c or a list of them", alias="tests.Images")
MODULES = FromPython(
    words="a function", alias="tests.Draw", fits=callable, record=lambda f: f"function {f.__name__}"
)


@dataclass(frozen=True, kw_only=True)
class Mask:
    """A group with an object."""

    draw: Annotated[Callable[..., Any], MODULES] | Literal["random", "grid"] = "random"
    """How to draw."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options, two of which take objects."""

    data: Path | Annotated[object, ARRAYS]
    """The images."""

    out: Path = Path("out")
    """Where to."""

    mask: Mask = Mask()


def made(**keywords: Any) -> Options:
    return build(Options, keyword_values(keywords, Options))


def test_an_object_is_kept_as_it_is() -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    assert made(data=images).data is images
    several = [images[0], images[1]]
    assert made(data=several).data is several


def test_paths_are_still_paths_where_objects_are_taken() -> None:
    assert made(data="photos").data == Path("photos")
    assert made(data=Path("photos")).data == Path("photos")


@pytest.mark.parametrize("group", [{"draw": max}, Mask(draw=max)], ids=["mapping", "dataclass"])
def test_a_group_keeps_its_objects(group: Any) -> None:
    assert made(data="a", mask=group).mask.draw is max
    assert made(data="a", mask={"draw": "grid"}).mask.draw == "grid"


def test_a_record_describes_objects() -> None:
    options = made(data=np.zeros((4, 8, 8, 3), np.uint8), mask={"draw": max})
    assert nested(options) == {
        "data": "<numpy.ndarray 4 x 8 x 8 x 3 uint8>",
        "out": "out",
        "mask": {"draw": "function max"},
    }
    assert nested(made(data="photos")) == {
        "data": "photos",
        "out": "out",
        "mask": {"draw": "random"},
    }


def test_objects_are_refused_where_text_is_meant() -> None:
    with pytest.raises(ValueError, match=r"out is <numpy\.ndarray 3 float64>, but must be a path"):
        made(data="a", out=np.zeros(3))
    with pytest.raises(ValueError, match=r"out is \['a', 'b'\], but must be a path\."):
        made(data="a", out=["a", "b"])
    with pytest.raises(
        ValueError,
        match=r"mask\.draw is 'gird', but must be one of random, grid, or a function\. Did you",
    ):
        made(data="a", mask={"draw": "gird"})


def test_the_hint_of_a_field_is_what_text_can_say() -> None:
    assert split_hint(Path | Annotated[object, ARRAYS]) == (Path, ARRAYS)
    assert split_hint(Path | Annotated[object, ARRAYS] | None) == (Path | None, ARRAYS)
    assert split_hint(int | None) == (int | None, None)
    assert split_hint(list[Path] | Annotated[object, ARRAYS]) == (list[Path], ARRAYS)
    assert fields_of(Options)["data"].hint is Path


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), True),
        ({"a": [1, (2.0, None)], "b": Path("x")}, True),
        ([np.zeros(2)], False),
        (max, False),
        ({1, 2}, False),
    ],
)
def test_what_text_can_say(value: Any, plain: bool) -> None:
    assert is_plain(value) is plain


def test_a_summary_tells_length_where_there_is_no_shape() -> None:
    assert summary([1, 2]) == "<list of 2>"
    assert summary(object()) == "<object>"
