"""Recognises the format of a file and maps its tensors, from names and shapes alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fcmae.checkpoint.formats.contents import Contents, contents_of, shapes_of
from fcmae.checkpoint.formats.form import AnyTensor, Shape
from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.formats.table import Move, WeightFormat
from fcmae.errors import CheckpointError

MOST = 5
"""Names that an error lists of each sort."""


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """The way from a file's tensors to ours.

    Attributes:
        format: The format they are in.
        prefix: What stood before all names.
        contents: What they are the weights of.
        moves: What becomes of each tensor that is taken.
        dropped: The file's other tensors, with the reason.
        shapes: Shape of each tensor that is taken, by our name for it.
    """

    format: WeightFormat
    prefix: str
    contents: Contents
    moves: tuple[Move, ...]
    dropped: dict[str, str]
    shapes: dict[str, Shape]

    def without(self, others: Mapping[str, str]) -> "Recognised":
        """The same beside other tensors of the file, which are dropped for the reasons given."""
        return replace(self, dropped={**self.dropped, **others})

    def to_ours(self, tensors: Mapping[str, AnyTensor]) -> dict[str, AnyTensor]:
        """The tensors by our names and in our shapes; those that are dropped may be left out."""
        return {
            move.ours: tensors[name] if move.form is None else move.form.to_ours(tensors[name])
            for move in self.moves
            for name in [self.prefix + move.theirs]
        }


def recognise(shapes: Mapping[str, Shape], *, what: str = "this file") -> Recognised:
    """Find the format of some tensors and check that they are all there.

    Args:
        shapes: The shape of every tensor of the file by its name.
        what: The file, for messages.

    Raises:
        CheckpointError: They are of no format, of several, or not whole.
    """
    format, prefix, net = _only_net(shapes, what)
    moves, unexpected, dropped = _moves(format, prefix, net, shapes)
    here = {move.ours: move.shape_here(shapes[prefix + move.theirs]) for move in moves}
    try:
        contents = contents_of({name: shape for name, shape in here.items() if shape is not None})
    except ValueError as error:
        raise CheckpointError(
            f"{what} has names of the format {format.name}, but not all of a ConvNeXt: {error}."
        ) from error
    expected = shapes_of(contents)
    there = {move.ours: move.theirs for move in moves}
    _complain(
        what,
        format,
        missing=[_theirs(format, name, net) for name in expected if name not in there],
        unexpected=unexpected + [there[name] for name in there if name not in expected],
        misshapen=[
            f"{move.theirs} {list(shapes[prefix + move.theirs])} (here {list(expected[move.ours])})"
            for move in moves
            if move.ours in expected and here[move.ours] != expected[move.ours]
        ],
    )
    return Recognised(
        format=format,
        prefix=prefix,
        contents=contents,
        moves=tuple(moves),
        dropped=dropped,
        shapes={name: expected[name] for name in there},
    )


def _only_net(shapes: Mapping[str, Shape], what: str) -> tuple[WeightFormat, str, str]:
    """The one ConvNeXt in a file."""
    found = sorted(
        ((format, *nets) for format in FORMATS.values() for nets in format.nets_in(shapes)),
        key=lambda entry: entry[1],
    )
    if not found:
        examples = ", ".join(list(shapes)[:3]) or "no tensor at all"
        raise CheckpointError(
            f"{what} holds no ConvNeXt in a form that is known ({', '.join(FORMATS)}): it has "
            f"{examples}."
        )
    if len(found) > 1:
        several = ", ".join(f"{prefix + net or 'no prefix'} ({f.name})" for f, prefix, net in found)
        raise CheckpointError(
            f"{what} holds {len(found)} ConvNeXts, with the prefixes {several}: say which, as in "
            f"FILE#{found[-1][1].rstrip('.') or 'PREFIX'}."
        )
    return found[0]


def _moves(
    format: WeightFormat, prefix: str, net: str, shapes: Mapping[str, Shape]
) -> tuple[list[Move], list[str], dict[str, str]]:
    """Sorts tensors into taken, unexpected, and belonging to something else."""
    moves: list[Move] = []
    unexpected: list[str] = []
    dropped: dict[str, str] = {}
    for name in shapes:
        inner = name.removeprefix(prefix)
        move = format.to_ours(inner) if name.startswith(prefix) else None
        if move is not None:
            moves.append(move)
        elif name.startswith(prefix + net):
            unexpected.append(inner)
        else:
            dropped[name] = f"not part of the net under {prefix + net}"
    twice = {name for name, count in Counter(m.ours for m in moves).items() if count > 1}
    unexpected += [f"{move.theirs} (twice)" for move in moves if move.ours in twice]
    return moves, unexpected, dropped


def _theirs(format: WeightFormat, ours: str, net: str) -> str:
    move = format.to_theirs(ours, net)
    return ours if move is None else move.theirs


def _complain(what: str, format: WeightFormat, **differences: list[str]) -> None:
    said = [f"{sort} {some(names)}" for sort, names in differences.items() if names]
    if said:
        raise CheckpointError(
            f"{what} is in the format {format.name}, but does not hold a whole ConvNeXt: "
            f"{'; '.join(said)}."
        )


def some(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
