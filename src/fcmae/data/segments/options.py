"""Options of label maps."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LabelMapOptions:
    """Meaning of the numbers in label maps."""

    classes: Path | None = None
    """File that names the classes, one per line in the order of their numbers; by default
    classes.txt beside the images, or what the .yaml says."""

    masks: str | None = None
    """Names of the masks, with * for the name of the image, such as '*_mask.png'; by default the
    same name, or whatever all masks have around it."""

    numbers: tuple[int, ...] | None = None
    """Number of each class in the masks, in the order of the classes, such as 0,255; by default
    what the .yaml says, or 0, 1, 2, ..."""

    ignore_index: int | None = None
    """Number of pixels that nobody is judged by; by default what the .yaml says, or 255."""

    reduce_zero_label: bool | None = None
    """Whether 0 is ignored too and 1 is the first class, as in ADE20K; by default what the .yaml
    says, or false."""

    def __post_init__(self) -> None:
        if self.ignore_index is not None and not 0 <= self.ignore_index < 2**16:
            raise ValueError(
                f"labels.ignore_index is {self.ignore_index}, but must be from 0 to 65535."
            )
        numbers = self.numbers or ()
        if len(set(numbers)) < len(numbers) or any(not 0 <= n < 2**16 for n in numbers):
            raise ValueError(
                f"labels.numbers is {','.join(map(str, numbers))}, but must be a number of its own "
                "for each class, from 0 to 65535."
            )
        if numbers and self.reduce_zero_label:
            raise ValueError(
                "labels.reduce_zero_label is true, but labels.numbers says the number of each "
                "class already: leave one out."
            )
        if self.masks is not None and self.masks.count("*") != 1:
            raise ValueError(
                f"labels.masks is {self.masks}, but must have one * where the name of the image "
                "stands."
            )
