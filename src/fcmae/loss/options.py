"""What the decoder is asked to predict."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """Pixels of the hidden patches (section 3.1 of the paper)."""

    normalize: bool = True
    """Normalise the pixels of each patch by that patch's own mean and variance."""

    visible_weight: float = 0.0
    """Weight of the error on visible patches beside the error on hidden ones (paper: 0)."""

    def __post_init__(self) -> None:
        if not 0 <= self.visible_weight < float("inf"):
            raise ValueError(
                f"target.visible_weight is {self.visible_weight}, but must be 0 or more."
            )
