"""Where predictions may go, known before PyTorch is imported."""

from collections.abc import Sequence
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.predicted import intact
from fcmae.engine.folder import RunFolder
from fcmae.errors import DataError, StorageError


def check_no_run(out: Path) -> None:
    """Refuse to put predictions among the files of a run."""
    if RunFolder(out).options.exists():
        raise StorageError(f"{out} holds a run: give another --out, such as {out / 'predicted'}.")


def check_apart(sources: Sequence[Path], images: ImageList, out: Path) -> None:
    """Refuse to put predictions where images are searched for, or to read those to be replaced.

    Args:
        sources: What the images were found in.
        images: All of them.
        out: Where predictions go.
    """
    root = out.resolve()
    for source in sources:
        if source.is_dir() and root.is_relative_to(source.resolve()):
            raise DataError(
                f"out is {out}, but must not be in a folder that is searched for images, as "
                f"{source} is: give an --out outside of it, or name single images in --data."
            )
    former = {root / name for name in intact(out)} if out.is_dir() else set()
    for index in range(len(images)) if former else ():
        if images.path(index).resolve() in former:
            raise DataError(
                f"{images.path(index)} was written by an earlier prediction into {out}, and new "
                "ones would replace it: give another --out."
            )
