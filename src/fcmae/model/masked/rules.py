"""The rule of each of PyTorch's functions that can be computed on visible positions, by name.

A name stands for the function, the method and, with an underscore behind it, the in-place method.
"""

from collections.abc import Callable
from typing import Any

from fcmae.model.masked import axes, norms, spatial
from fcmae.model.masked.computation import MaskedComputation, MaskedRule

SUPPORTED = (
    "two-dimensional convolutions, batch, group and layer norm, pooling, activations, dropout, "
    "arithmetic of maps, means and sums over positions or channels (as in squeeze-and-excitation "
    "and GRN), concatenation of channels and nearest upsampling"
)
"""What nets may be made of, for messages."""

ARITHMETIC = """
    add sub rsub mul div true_divide pow square sqrt rsqrt reciprocal neg abs exp expm1 log log1p
    clamp clamp_min clamp_max minimum maximum lerp addcmul addcdiv where sign erf sin cos
    __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__
    __rtruediv__ __itruediv__ __pow__ __rpow__ __neg__
    """.split()  # noqa: SIM905 - a list of words
ACTIVATIONS = """
    relu relu6 hardtanh hardswish hardsigmoid hardshrink softshrink tanhshrink silu gelu mish elu
    selu celu leaky_relu prelu rrelu softplus softsign sigmoid tanh logsigmoid threshold
    dropout dropout1d dropout2d alpha_dropout feature_alpha_dropout feature_dropout
    """.split()  # noqa: SIM905 - a list of words
COPIES = """
    clone contiguous detach to type type_as float double half bfloat16 expand expand_as
    """.split()  # noqa: SIM905 - a list of words


def pointwise(
    masked: MaskedComputation, func: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    """A function of each position alone."""
    place = masked.common_map((*args, *kwargs.values()), func.__name__)
    return masked.follow(func(*args, **kwargs), place)


RULES: dict[str, MaskedRule] = {
    **dict.fromkeys((*ARITHMETIC, *ACTIVATIONS, *COPIES), pointwise),
    "conv2d": spatial.convolution,
    "max_pool2d": spatial.max_pooling,
    "avg_pool2d": spatial.average_pooling,
    "adaptive_avg_pool2d": spatial.adaptive_pooling,
    "adaptive_max_pool2d": spatial.adaptive_pooling,
    "pad": spatial.padding,
    "interpolate": spatial.enlarging,
    "batch_norm": norms.batch_norm,
    "group_norm": norms.group_norm,
    "layer_norm": norms.norm_of_position,
    "rms_norm": norms.norm_of_position,
    "linear": norms.linear,
    **dict.fromkeys((*axes.OVER_POSITIONS, *axes.OVER_CHANNELS), axes.reduction),
    **dict.fromkeys(axes.ALONG_CHANNELS, axes.along),
    **dict.fromkeys(("cat", "concat", "concatenate"), axes.joining),
    "stack": axes.stacking,
    "unsqueeze": axes.unsqueezing,
    "permute": axes.permuting,
    **dict.fromkeys(("transpose", "swapaxes"), axes.transposing),
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "squeeze"), axes.reshaping),
    "__getitem__": axes.slicing,
}
