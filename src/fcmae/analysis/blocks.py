"""The blocks of a net, found by the names of its modules, and what passes through them.

All that the analyses ask of a model is that it has blocks. Their names are those of ConvNeXt here,
in timm, in transformers and in the authors' code, and of timm's vision transformers.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.errors import CheckpointError
from fcmae.types import Features

STAGED = re.compile(r"(?:.*\.)?stages\.(\d+)\.(?:blocks\.|layers\.)?(\d+)")
PLAIN = re.compile(r"(?:.*\.)?blocks\.(\d+)")
CONTRACTING = ("contract", "mlp.fc2", "pwconv2")
"""Names of the second linear layer of a block; what it sees are the expanded features."""

Note = Callable[[int, Features], None]
"""Is given the number of a block and its features."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A block of a net.

    Attributes:
        stage: Its stage, from 1; everything is stage 1 where a net has none.
        number: Its number within the stage, from 1.
        block: The module.
        contract: The layer that sees its expanded features, or None where it has none.
    """

    stage: int
    number: int
    block: nn.Module
    contract: nn.Module | None

    @property
    def name(self) -> str:
        """What people call it."""
        return f"stage {self.stage}, block {self.number}"


def blocks_of(net: nn.Module) -> list[Place]:
    """The blocks in the order in which an image passes through them.

    Raises:
        CheckpointError: None of its modules bears the name of a block.
    """
    modules = dict(net.named_modules())
    for pattern in (STAGED, PLAIN):
        found = [(module, pattern.fullmatch(name)) for name, module in modules.items()]
        places = [_place(module, match) for module, match in found if match is not None]
        if places:
            return places
    raise CheckpointError(
        f"{type(net).__name__} has no blocks that could be looked into: its modules would be "
        "called stages.0.0, stages.0.blocks.0 or blocks.0."
    )


def _place(module: nn.Module, match: re.Match[str]) -> Place:
    numbers = [int(group) for group in match.groups()]
    inside = dict(module.named_modules())
    return Place(
        stage=numbers[0] + 1 if len(numbers) == 2 else 1,
        number=numbers[-1] + 1,
        block=module,
        contract=next((inside[name] for name in CONTRACTING if name in inside), None),
    )


def last_of_stages(places: list[Place]) -> list[int]:
    """Index of the last block of each stage."""
    return [i for i, p in enumerate(places) if p.stage not in {q.stage for q in places[i + 1 :]}]


@contextmanager
def watching(
    places: list[Place], *, output: Note | None = None, expanded: Note | None = None
) -> Iterator[None]:
    """Call functions with what each block gives, and with its expanded features.

    Args:
        places: The blocks.
        output: Gets the outputs.
        expanded: Gets the features that the blocks' second linear layers see (4C wide).
    """
    handles: list[Any] = []
    for index, place in enumerate(places):
        if output is not None:
            handles.append(place.block.register_forward_hook(_after(index, output)))
        if expanded is not None and place.contract is not None:
            handles.append(place.contract.register_forward_pre_hook(_before(index, expanded)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _after(index: int, note: Note) -> Callable[[nn.Module, Any, Tensor], None]:
    def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
        note(index, as_positions(output))

    return hook


def _before(index: int, note: Note) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        note(index, as_positions(inputs[0], channels_last=isinstance(module, nn.Linear)))

    return hook


def as_positions(x: Float[Tensor, "n ..."], *, channels_last: bool = False) -> Features:
    """Features of any net as ``n p c``; maps become their positions in raster order."""
    if x.ndim == 3:
        return x
    return rearrange(x, "n h w c -> n (h w) c" if channels_last else "n c h w -> n (h w) c")
