"""GRN or what stands in its place, as options: the rows of tables 2 and 16 of the paper."""

from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from fcmae.flags import option

GrnKind = Literal["grn", "none", "lrn", "batchnorm", "layernorm", "se", "cbam"]
Aggregation = Literal["l2", "l1", "mean", "none"]
Normalization = Literal["mean", "sum", "standardize", "none"]

CHOICES = {"kind": GrnKind, "aggregation": Aggregation, "normalization": Normalization}

ALL_STAGES = (1, 2, 3, 4)

REDUCTION = 16
"""Channels for each hidden unit of a gate, as in the papers of both gates."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """Operation after GELU in V2 blocks: ``gamma * x * N(G(x)) + beta + x`` and its variants.

    Attributes:
        kind: GRN, nothing, or the layer that stands in its place.
        aggregation: G, of each channel over the positions of an image.
        normalization: N, over the channels of an image.
        residual: Whether x is added.
        affine: Whether there are gamma and beta.
        stages: Those whose blocks have it; nothing follows GELU in the others.
    """

    kind: GrnKind = "grn"
    aggregation: Aggregation = "l2"
    normalization: Normalization = "mean"
    residual: bool = True
    affine: bool = True
    stages: tuple[int, ...] = ALL_STAGES

    def __post_init__(self) -> None:
        _check_choices(self)
        if self.kind == "none" and self.stages != ALL_STAGES:
            raise ValueError(
                f"grn.stages is {self.stages}, but grn.kind is none, which is nothing in all of "
                f"them: leave {option('grn.stages')} out."
            )
        if self.kind == "grn":
            return
        for name in ("aggregation", "normalization", "residual", "affine"):
            if getattr(self, name) != getattr(Response, name):
                raise ValueError(
                    f"grn.{name} is {getattr(self, name)}, but grn.kind is {self.kind}, which has "
                    f"no such part: leave {option(f'grn.{name}')} out, or take "
                    f"{option('grn.kind', 'grn')}."
                )

    def at(self, stage: int) -> "Response":
        """Operation in the blocks of a stage, counted from 1."""
        if stage not in self.stages:
            return Response(kind="none")
        return replace(self, stages=ALL_STAGES)

    def differs_in(self, other: "Response") -> frozenset[int]:
        """The stages whose blocks have something else than with another one."""
        return frozenset(stage for stage in ALL_STAGES if self.at(stage) != other.at(stage))


@dataclass(frozen=True, kw_only=True)
class Grn:
    """GRN in the encoder's blocks, or what stands in its place (tables 2 and 16 of the paper)."""

    kind: GrnKind | None = None
    """GRN, nothing, local response, batch or layer normalisation, squeeze-and-excite, or CBAM; by
    default what the weights have, and grn without weights. Another one than the weights' begins
    with new parameters."""

    aggregation: Aggregation | None = None
    """How GRN sums a channel of an image up: its L2 norm (the default), its L1 norm, its mean, or
    not at all."""

    normalization: Normalization | None = None
    """What GRN makes of the sums: each over the mean of all channels (the default), 1 over their
    sum, standardised over the channels, or nothing."""

    residual: bool | None = None
    """Whether GRN adds its input to its output; by default true."""

    affine: bool | None = None
    """Whether GRN has a scale and a shift for each channel; by default true."""

    stages: tuple[int, ...] | None = None
    """Stages whose blocks have it, such as 1,2,3 for all but the last; by default those of the
    weights, or all."""

    def __post_init__(self) -> None:
        _check_choices(self)

    def over(self, response: Response) -> Response:
        """Lays these options over an existing choice; another kind begins from its defaults."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if given.get("kind", response.kind) != response.kind:
            response = Response()
        return replace(response, **given)


def _check_choices(options: Response | Grn) -> None:
    for name, choices in CHOICES.items():
        value = getattr(options, name)
        if value is not None and value not in get_args(choices):
            raise ValueError(
                f"grn.{name} is {value!r}, but must be {', '.join(get_args(choices))}."
            )
    stages = options.stages
    if stages is not None and (not stages or list(stages) != sorted(set(stages) & set(ALL_STAGES))):
        raise ValueError(
            f"grn.stages is {stages}, but must be some of the stages 1 to 4, in this order; for "
            f"none of them take {option('grn.kind', 'none')}."
        )
