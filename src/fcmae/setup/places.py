"""Checks where results may go, before PyTorch is imported."""

from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore
from fcmae.data.source import ImageSources, named_paths
from fcmae.engine.folder import RunFolder
from fcmae.errors import DataError, StorageError
from fcmae.files.written_files import intact
from fcmae.flags import option


def check_no_run(out: Path) -> None:
    """Refuse to put results among the files of a run."""
    if RunFolder(out).options.exists():
        raise StorageError(
            f"{out} holds a run: give another {option('out')}, such as {out / 'results'}."
        )


def check_place(out: Path | None, sources: ImageSources) -> None:
    """Refuse to put results among the files of a run, or where images are searched for.

    Args:
        out: Where they go; None for nowhere.
        sources: What the images are found in.
    """
    if out is not None:
        check_no_run(out)
        check_outside(sources, out)


def check_outside(sources: ImageSources, out: Path) -> None:
    """Refuse to write where images are searched for.

    Args:
        sources: What the images are found in.
        out: Where results go.
    """
    for source in named_paths(sources):
        if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
            raise DataError(
                f"out is {out}, but must not be in a folder that is searched for images, as "
                f"{source} is: give an {option('out')} outside of it, or name single images in "
                f"{option('data')}."
            )


def check_apart(sources: ImageSources, images: ImageList, out: Path) -> None:
    """Refuse to put predictions where images are searched for, or to read those to be replaced.

    Args:
        sources: What the images were found in.
        images: All of them.
        out: Where predictions go.
    """
    check_outside(sources, out)
    if not isinstance(images.store, FileStore):
        return
    root = out.resolve()
    former = {root / name for name in intact(out)}
    for index in range(len(images)) if former else ():
        if images.path(index).resolve() in former:
            raise DataError(
                f"{images.path(index)} was written by an earlier prediction into {out}, and new "
                f"ones would replace it: give another {option('out')}."
            )
