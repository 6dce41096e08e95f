"""A format is a table: what each tensor is called here and there, and how its axes lie."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from fcmae.checkpoint.formats.form import AnyTensor, AxisOrder, Shape

STAGES = range(4)


@dataclass(frozen=True)
class NameRule:
    """Names of one kind of tensor, here and there.

    In both, ``{i}`` is a stage, ``{j}`` a block, ``{p}`` weight or bias; ``{before}`` and
    ``{after}`` are the stages next to i, ``{even}`` and ``{odd}`` are 2i and 2i + 1. In theirs,
    ``{net}`` is what stands before the names of the net itself.

    Attributes:
        ours: Name here.
        theirs: Name there.
        form: How the axes differ; None if they do not.
        also: Other names there, which are read but not written.
    """

    ours: str
    theirs: str
    form: AxisOrder | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Move:
    """The way of one tensor."""

    theirs: str
    ours: str
    form: AxisOrder | None

    def shape_here(self, shape: Shape) -> Shape | None:
        """Its shape here; None if a tensor of theirs cannot have this shape."""
        return shape if self.form is None else self.form.shape_here(shape)


@dataclass(frozen=True, kw_only=True)
class WeightFormat:
    """Names and shapes of the weights in one library.

    Attributes:
        name: What people call it.
        rows: The table.
        mark: The name there, as in a row, that only this format has: a depthwise weight.
        nets: What ``{net}`` may be; the first is written.
        needs: Names of which the file must have one too, to be of this format.
        lacks: Names of which it must have none.
    """

    name: str
    rows: tuple[NameRule, ...]
    mark: str
    nets: tuple[str, ...] = ("",)
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    def nets_in(self, names: Collection[str]) -> set[tuple[str, str]]:
        """The nets of this format among the names of a file: what stands before each of them.

        Returns:
            Pairs: the prefix of everything, and what ``{net}`` is.
        """
        matches = filter(None, map(self._marked.fullmatch, names))
        return {
            (outer, net)
            for outer, net in {(match["outer"], match["net"]) for match in matches}
            if (not self.needs or any(outer + net + name in names for name in self.needs))
            and not any(outer + net + name in names for name in self.lacks)
        }

    def to_ours(self, name: str) -> Move | None:
        """Maps a tensor of theirs to ours; None if the format does not know it."""
        for pattern, ours, form in self._reading:
            if match := pattern.fullmatch(name):
                return Move(theirs=name, ours=_with_block(ours, match), form=form)
        return None

    def to_theirs(self, name: str, net: str | None = None) -> Move | None:
        """Maps a tensor of ours to theirs; None if the format has no place for it.

        Args:
            name: Its name here.
            net: What to write for ``{net}``; the first that the format knows by default.
        """
        net = self.nets[0] if net is None else net
        for pattern, theirs, form in self._writing:
            if match := pattern.fullmatch(name):
                there = _with_block(theirs.replace("{net}", net), match)
                return Move(theirs=there, ours=name, form=form)
        return None

    def write(
        self, tensors: Mapping[str, AnyTensor], net: str | None = None
    ) -> dict[str, AnyTensor]:
        """Tensors of ours by their names and in their shapes there.

        Raises:
            ValueError: The format has no place for some of them.
        """
        moves = {name: self.to_theirs(name, net) for name in tensors}
        if homeless := [name for name, move in moves.items() if move is None]:
            raise ValueError(f"the format {self.name} has no place for {', '.join(homeless[:5])}.")
        return {
            move.theirs: tensors[name] if move.form is None else move.form.to_theirs(tensors[name])
            for name, move in moves.items()
            if move is not None
        }

    @cached_property
    def _marked(self) -> re.Pattern[str]:
        longest_first = sorted(self.nets, key=len, reverse=True)
        net = f"(?P<net>{'|'.join(map(re.escape, longest_first))})"
        mark = re.escape(self.mark if "{net}" in self.mark else "{net}" + self.mark)
        for name, text in (("net", net), ("i", "[0-3]"), ("odd", "[1357]"), ("j", "[0-9]{1,3}")):
            mark = mark.replace(re.escape(f"{{{name}}}"), text)
        return re.compile(rf"(?P<outer>(?:.+?\.)??){mark}")

    @cached_property
    def _reading(self) -> list[tuple[re.Pattern[str], str, AxisOrder | None]]:
        nets = "|".join(map(re.escape, self.nets))
        return [
            (re.compile(_pattern(there).replace(re.escape("{net}"), f"(?:{nets})")), row.ours, form)
            for row, form, theirs in self._expanded()
            for there in theirs
        ]

    @cached_property
    def _writing(self) -> list[tuple[re.Pattern[str], str, AxisOrder | None]]:
        return [
            (re.compile(_pattern(row.ours)), theirs[0], form)
            for row, form, theirs in self._expanded()
        ]

    def _expanded(self) -> Iterator[tuple[NameRule, AxisOrder | None, tuple[str, ...]]]:
        """The rows with every placeholder but ``{j}`` and ``{net}`` filled in."""
        for row in self.rows:
            for values in _values(row.ours):
                theirs = tuple(_fill(text, values) for text in (row.theirs, *row.also))
                filled = NameRule(ours=_fill(row.ours, values), theirs=theirs[0])
                yield filled, row.form, theirs


def _values(name: str) -> list[dict[str, str]]:
    """Every value of the placeholders in a name of ours."""
    stages = STAGES if "{i}" in name else STAGES[1:] if "{before}" in name else STAGES[:1]
    kinds = ("weight", "bias") if "{p}" in name else ("",)
    return [
        {
            "{i}": str(i),
            "{before}": str(i - 1),
            "{after}": str(i + 1),
            "{even}": str(2 * i),
            "{odd}": str(2 * i + 1),
            "{p}": kind,
        }
        for i in stages
        for kind in kinds
    ]


def _fill(text: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _pattern(name: str) -> str:
    return re.escape(name).replace(re.escape("{j}"), "(?P<j>0|[1-9][0-9]{0,2})")


def _with_block(name: str, match: re.Match[str]) -> str:
    return name.replace("{j}", match.groupdict().get("j", ""))
