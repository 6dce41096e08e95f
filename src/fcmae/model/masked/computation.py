"""Runs a net unchanged while each of PyTorch's functions that it calls is made mask-aware.

The net stays the plain net: same modules, same weights. While ``MaskedComputation`` is active,
every call of a PyTorch function on something computed from the images goes to a rule
(``rules.py``). A function without a rule is refused by name, so nothing reads hidden positions
unnoticed. Hidden positions hold arbitrary values between two rules; a rule that reads neighbours
or sums over positions leaves them out.

The dense masked computation is that of Woo et al. (2023, section 3.1) and of SparK (Tian et al.
2023, section 3.2), which write it for the layers of their own nets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from jaxtyping import Bool
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from fcmae.model.masked.grid import PatchGrid
from fcmae.types import Images

READS_NO_VALUES = frozenset(
    """
    shape dtype device ndim layout requires_grad is_cuda is_meta is_sparse is_quantized is_complex
    grad_fn size dim stride numel nelement is_contiguous is_floating_point element_size names
    __len__ __hash__ new_empty new_zeros new_ones new_full new_tensor empty_like zeros_like
    ones_like full_like rand_like randn_like
    """.split()  # noqa: SIM905 - a list of words
)
"""Functions that tell nothing about the values of a tensor."""


class NotMaskableError(ValueError):
    """A net does something that cannot be computed on visible positions alone."""


@dataclass(frozen=True, eq=False)
class Map:
    """Layout of a feature map among the axes of a tensor.

    Attributes:
        rows: Axis of the rows, counted from the last, such as -2.
        columns: Axis of the columns, after that of the rows.
        hidden: Mask of the hidden positions.
        is_padded: True between a padding and the convolution or pooling that it belongs to.
    """

    rows: int
    columns: int
    hidden: Bool[Tensor, "n h w"]
    is_padded: bool = False


MapPlace = Map | None
"""A feature map's layout; None for values of whole images, which have no positions."""

Result = TypeVar("Result")

MaskedRule = Callable[..., Any]
"""Called with the computation, the function and its arguments, of which at least one is a map."""


class MaskedComputation(TorchFunctionMode):
    """Makes the functions that are called in its context count visible positions only.

    Args:
        grid: Which patches are visible.
        rules: The rule of each function, by name.
        strict: Refuse values that were computed from the images in a way that no function shows,
            such as a custom ``torch.autograd.Function``. Only the images may require gradients.
    """

    def __init__(
        self, grid: PatchGrid, rules: Mapping[str, MaskedRule], *, strict: bool = False
    ) -> None:
        super().__init__()
        self.grid, self.rules, self.strict = grid, rules, strict
        self._followed: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._maps: dict[tuple[int, int, int, int], Map] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Calls a function by its rule if it is given anything computed from the images."""
        kwargs, name = kwargs or {}, name_of(func)
        given = list(tensors_in((*args, *kwargs.values())))
        followed = [x for x in given if x in self._followed]
        if name in READS_NO_VALUES:
            return func(*args, **kwargs)
        if self.strict and any(map(self.is_unseen, given)):
            raise NotMaskableError(f"calls {name} on a value {UNSEEN}")
        if not followed:
            return func(*args, **kwargs)
        if all(self._followed[x] is None for x in followed):
            return self.follow(func(*args, **kwargs), None)
        rule = self.rules.get(name) or self.rules.get(name.rstrip("_"))
        if rule is None or "out" in kwargs:
            raise NotMaskableError(f"calls {name}")
        return rule(self, func, *args, **kwargs)

    def begin(self, images: Images) -> Images:
        """Follow images from here on."""
        height, width = images.shape[-2:]
        image = images.view_as(images)
        return self.follow(image, self.map_at((height, width)))

    def follow(self, value: Result, place: MapPlace) -> Result:
        """Follow all tensors of a function's result; gives back the result."""
        for x in tensors_in((value,)):
            if place is not None:
                self._check(x, place)
            self._followed[x] = place
        return value

    def is_followed(self, x: Tensor) -> bool:
        """Returns whether a tensor is known to be computed from the images."""
        return x in self._followed

    def is_unseen(self, x: Tensor) -> bool:
        """Returns whether a tensor was computed from the images by no function of PyTorch alone.

        Only to be asked where nothing but the images requires gradients.
        """
        return isinstance(x.grad_fn, BackwardCFunction) or (
            x.requires_grad and x not in self._followed
        )

    def place_of(self, x: Any) -> MapPlace:
        """The layout of a tensor; None for one without positions."""
        return self._followed[x] if isinstance(x, Tensor) and x in self._followed else None

    def map_of(self, x: Any, doing: str) -> Map:
        """The layout of a tensor that has to be a map ``n c h w``.

        Args:
            x: The tensor.
            doing: The function, for the message.
        """
        place = self.place_of(x)
        if place is None or (place.rows, place.columns, x.ndim) != (-2, -1, 4):
            raise NotMaskableError(f"calls {doing} on something other than maps n c h w")
        return place

    def common_map(self, given: Any, doing: str) -> Map:
        """The one layout of all maps among some arguments."""
        maps = [place for x in tensors_in((given,)) if (place := self.place_of(x)) is not None]
        if any(place is not maps[0] for place in maps):
            raise NotMaskableError(f"calls {doing} on maps whose positions differ")
        return maps[0]

    def map_at(self, size: tuple[int, int]) -> Map:
        """The layout of a map ``n c h w`` by its height and width.

        Raises:
            NotMaskableError: The patches do not divide the map.
        """
        if not self.grid.fits(*size):
            height, width = self.grid.size
            raise NotMaskableError(
                f"makes a map of {size[0]} x {size[1]} positions from images of {height} x {width} "
                f"pixels, whose {self.grid.patches[0]} x {self.grid.patches[1]} patches do not lie "
                "on whole positions of it"
            )
        key = (*size, -2, -1)
        if key not in self._maps:
            self._maps[key] = Map(rows=-2, columns=-1, hidden=self.grid.hidden(*size))
        return self._maps[key]

    def moved(self, place: Map, rows: int, columns: int) -> Map:
        """The same positions on other axes."""
        if place.is_padded or not rows < columns < 0:
            raise NotMaskableError("swaps the rows and columns of a map, or moves a padded one")
        height, width = place.hidden.shape[-2:]
        key = (height, width, rows, columns)
        if key not in self._maps:
            self._maps[key] = Map(rows=rows, columns=columns, hidden=place.hidden)
        return self._maps[key]

    def hidden_of(self, x: Tensor) -> Bool[Tensor, "n ..."]:
        """Mask of a map's hidden positions, in the shape that broadcasts against it."""
        place = self.place_of(x)
        assert place is not None
        shape = [1] * x.ndim
        shape[0], shape[place.rows], shape[place.columns] = place.hidden.shape
        return place.hidden.view(shape)

    def filled(self, x: Tensor, value: float = 0.0) -> Tensor:
        """A map with a value at its hidden positions."""
        return x.masked_fill(self.hidden_of(x), value)

    def _check(self, x: Tensor, place: Map) -> None:
        """Refuse a result whose shape is not that of its layout."""
        fits = x.ndim > -place.rows and (
            (len(place.hidden), *place.hidden.shape[-2:])
            == (x.shape[0], x.shape[place.rows], x.shape[place.columns])
        )
        if not fits:
            raise NotMaskableError(
                f"makes a tensor of shape {tuple(x.shape)}, in which the positions of a map of "
                f"{place.hidden.shape[-2]} x {place.hidden.shape[-1]} cannot be found"
            )


UNSEEN = "that was computed outside PyTorch's functions, such as by a torch.autograd.Function"


def name_of(func: Callable[..., Any]) -> str:
    """The name of a function, method or attribute of PyTorch."""
    name = getattr(func, "__name__", repr(func))
    owner = getattr(func, "__self__", None)
    return str(getattr(owner, "__name__", name)) if name in ("__get__", "__set__") else str(name)


def tensors_in(values: Sequence[Any]) -> Iterator[Tensor]:
    """All tensors among some arguments, and in their lists, tuples and dictionaries."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)
        elif isinstance(value, dict):
            yield from tensors_in(tuple(value.values()))
