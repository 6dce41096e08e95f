"""The tensors of a file against those of a model: what differs, and filling it whole."""

from collections.abc import Mapping

from safetensors import SafetensorError
from torch import Tensor, nn

from fcmae.checkpoint.foreign import tensors_of
from fcmae.checkpoint.formats.form import Shape
from fcmae.checkpoint.formats.recognise import some
from fcmae.checkpoint.header import Header
from fcmae.checkpoint.tensors import is_finite
from fcmae.errors import CheckpointError

Shapes = Mapping[str, Shape]


def fill(model: nn.Module, header: Header) -> None:
    """Give a model every tensor of a file, by the model's own names; neither may have others.

    Raises:
        CheckpointError: They differ; the message lists how.
    """
    if header.is_foreign:
        raise CheckpointError(
            f"{header.path} was written by another library, under other names than the model's: "
            "load it without a model of your own."
        )
    if found := differences(shapes_of(model), header.shapes):
        raise CheckpointError(
            f"{header.path} does not fit the model {type(model).__name__}: {some(found)}."
        )
    model.load_state_dict(read_finite(header))


def read_finite(header: Header) -> dict[str, Tensor]:
    """All tensors of a file, none of which holds NaN or infinity."""
    try:
        tensors = tensors_of(header)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{header.path} cannot be read: {error}") from error
    if bad := [name for name, x in tensors.items() if not is_finite(x)]:
        raise CheckpointError(f"{header.path} holds NaN or infinity in {some(bad)}.")
    return tensors


def shapes_of(model: nn.Module) -> dict[str, Shape]:
    """Shape of each tensor of a model's state."""
    return {name: tuple(x.shape) for name, x in model.state_dict().items()}


def differences(wanted: Shapes, given: Shapes) -> list[str]:
    """Differences between the tensors of a file and those of a model, in words."""
    missing = [f"{name} is missing" for name in wanted if name not in given]
    extra = [f"{name} is not in the model" for name in given if name not in wanted]
    other = [
        f"{name} has shape {list(given[name])} instead of {list(shape)}"
        for name, shape in wanted.items()
        if name in given and given[name] != shape
    ]
    return other + missing + extra
