"""Something wrong in a file of labels or values."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong in a label file.

    Attributes:
        file: The file, as it is shown to people.
        where: Line, or number of the image or annotation.
        reason: What is wrong.
    """

    file: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, {self.where}: {self.reason}"
