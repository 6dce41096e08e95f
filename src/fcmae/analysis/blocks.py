"""The blocks of a net, found by the names of its modules, and what passes through them.

All that the analyses ask of a model is that it has blocks. Their names are those of ConvNeXt here,
in timm, in transformers and in the authors' code, and of timm's transformers, Swin and ResNets.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.errors import CheckpointError
from fcmae.model.timm_net import TimmClassifier, TimmEncoder
from fcmae.types import Features

STAGED = re.compile(r"(?:.*\.)?stages\.(\d+)\.(?:blocks\.|layers\.)?(\d+)")
SWIN = re.compile(r"(?:.*\.)?layers\.(\d+)\.blocks\.(\d+)")
RESNET = re.compile(r"(?:.*\.)?layer([1-4])\.(\d+)")
PLAIN = re.compile(r"(?:.*\.)?blocks\.(\d+)")
FIRST_STAGE = {STAGED: 0, SWIN: 0, RESNET: 1, PLAIN: 0}
"""The number that each pattern's names have for the first stage."""
OTHERWISE = {
    "unroll": "its positions do not stand in raster order",
    "blocks_token_only": "its class token enters after its blocks",
}
"""Modules of timm's Hiera and CaiT whose blocks would be misread."""
CONTRACTING = ("contract", "mlp.fc2", "pwconv2")
"""Names of the second linear layer of a block; what it sees are the expanded features."""

Note = Callable[[int, Features], None]
"""Is given the number of a block and its features."""


@dataclass(frozen=True, kw_only=True)
class BlockPlace:
    """A block of a net.

    Attributes:
        stage: Its stage, from 1; everything is stage 1 where a net has none.
        number: Its number within the stage, from 1.
        block: The module.
        contract: The layer that sees its expanded features, or None where it has none.
        channels_last: Whether maps that it gives are rows, columns, channels.
        num_tokens: Tokens before its positions that stand for none.
    """

    stage: int
    number: int
    block: nn.Module
    contract: nn.Module | None
    channels_last: bool = False
    num_tokens: int = 0

    @property
    def name(self) -> str:
        """Name of the block for people."""
        return f"stage {self.stage}, block {self.number}"

    def output(self, x: Float[Tensor, "n ..."]) -> Features:
        """Output of the block, or a gradient of it, as positions."""
        return as_positions(x, channels_last=self.channels_last, num_tokens=self.num_tokens)

    def expanded(self, x: Float[Tensor, "n ..."]) -> Features:
        """Input of the block's second linear layer, as positions."""
        channels_last = isinstance(self.contract, nn.Linear)
        return as_positions(x, channels_last=channels_last, num_tokens=self.num_tokens)


def blocks_of(net: nn.Module) -> list[BlockPlace]:
    """The blocks in the order in which an image passes through them.

    Raises:
        CheckpointError: None of its modules bears the name of a block, or what they give would be
            misread.
    """
    if isinstance(net, TimmClassifier):
        return blocks_of(net.encoder)
    if isinstance(net, TimmEncoder):
        return [
            replace(place, channels_last=net.channels_last, num_tokens=net.num_tokens)
            for place in _places(net, str(net.architecture))
        ]
    return _places(net, type(net).__name__)


def _places(net: nn.Module, called: str) -> list[BlockPlace]:
    modules = dict(net.named_modules())
    for name in modules:
        if reason := OTHERWISE.get(name.rpartition(".")[2]):
            raise CheckpointError(f"{called} cannot be looked into: {reason}.")
    for pattern, first in FIRST_STAGE.items():
        found = [(module, pattern.fullmatch(name)) for name, module in modules.items()]
        places = [
            _place(module, match, first)
            for module, match in found
            if match is not None and not isinstance(module, nn.ModuleList)
        ]
        if places:
            return places
    raise CheckpointError(
        f"{called} has no blocks that could be looked into: its modules would be called "
        "stages.0.0, stages.0.blocks.0, layers.0.blocks.0, layer1.0 or blocks.0."
    )


def _place(module: nn.Module, match: re.Match[str], first_stage: int) -> BlockPlace:
    numbers = [int(group) for group in match.groups()]
    inside = dict(module.named_modules())
    return BlockPlace(
        stage=numbers[0] - first_stage + 1 if len(numbers) == 2 else 1,
        number=numbers[-1] + 1,
        block=module,
        contract=next((inside[name] for name in CONTRACTING if name in inside), None),
    )


def last_of_stages(places: list[BlockPlace]) -> list[int]:
    """Index of the last block of each stage."""
    return [i for i, p in enumerate(places) if p.stage not in {q.stage for q in places[i + 1 :]}]


@contextmanager
def watching(
    places: list[BlockPlace], *, output: Note | None = None, expanded: Note | None = None
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
            handles.append(place.block.register_forward_hook(_after(index, place, output)))
        if expanded is not None and place.contract is not None:
            hook = _before(index, place, expanded)
            handles.append(place.contract.register_forward_pre_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _after(index: int, place: BlockPlace, note: Note) -> Callable[[nn.Module, Any, Any], None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim not in (3, 4):
            raise CheckpointError(
                f"{place.name} cannot be looked into: {type(module).__name__} gives no features "
                "of positions."
            )
        note(index, place.output(output))

    return hook


def _before(
    index: int, place: BlockPlace, note: Note
) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        note(index, place.expanded(inputs[0]))

    return hook


def as_positions(
    x: Float[Tensor, "n ..."], *, channels_last: bool = False, num_tokens: int = 0
) -> Features:
    """Features of any net as ``n p c``; maps become their positions in raster order.

    Args:
        x: Maps, or vectors of positions.
        channels_last: Whether maps are rows, columns, channels.
        num_tokens: Vectors before those of the positions, which are left out.
    """
    if x.ndim == 3:
        return x[:, num_tokens:]
    return rearrange(x, "n h w c -> n (h w) c" if channels_last else "n c h w -> n (h w) c")
