"""Keeping count of the files that had to be replaced."""

from collections.abc import Iterable

from fcmae.data.options import Loader
from fcmae.errors import DataError
from fcmae.flags import option

ALWAYS_ALLOWED = 100


class Unusable:
    """Counts each unusable file once, and stops the run when they are too many.

    Attributes:
        files: Reason by path, in the order in which they were met.
        limit: How many a run may meet.
    """

    def __init__(self, num_images: int, loader: Loader) -> None:
        self.files: dict[str, str] = {}
        share = max(int(loader.max_unusable * num_images), ALWAYS_ALLOWED)
        self.limit = min(share, num_images // 2)

    def add(self, files: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Count what a batch reports; give back what is new."""
        new = [(path, reason) for path, reason in files if path not in self.files]
        self.files.update(new)
        if len(self.files) > self.limit:
            some = "; ".join(f"{path}: {reason}" for path, reason in list(self.files.items())[:3])
            raise DataError(
                f"{len(self.files)} files cannot be used, more than the {self.limit} allowed "
                f"({some}). `fcmae check` lists all of them; "
                f"{option('loader.max_unusable')} raises the limit, at most to half of the files."
            )
        return new
