"""``fcmae pack``: a data set in one file, which other commands take instead of a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_unusable
from fcmae.data.listing import find_images
from fcmae.data.old_pack import is_old_pack, old_pack
from fcmae.data.options import Loader
from fcmae.data.packing import contents_of, write_pack
from fcmae.errors import DataError
from fcmae.files.journal import Journal
from fcmae.files.results import unusable_files
from fcmae.flags import option
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Put the images of a data set into one ZIP file, with their names and classes.

    Every command takes the file wherever it takes a folder, and any ZIP program opens it. Worth it
    where files are many and small on a slow file system, and with size where photographs are far
    larger than the crops.
    """

    data: Path
    """Folder of images, read recursively, a .txt or .csv list, a ZIP, or an older pack."""

    out: Path
    """File to write; an earlier pack is replaced, but no file of others, nor one changed since."""

    size: int | None = None
    """Shorter side in pixels to which larger images of 8 bits are shrunk (and stored as JPEG);
    by default every file is packed as it is. At least the size to be trained at; an image that is
    cropped at random wants about twice as much."""

    loader: Loader = Loader()

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ValueError(f"size is {self.size}, but must be at least 1.")
        if self.out.is_dir():
            raise ValueError(f"out is {self.out}, which is a folder, but must be a file.")


@dataclass(frozen=True, kw_only=True)
class PackMade(Result):
    """Summary of a pack.

    Attributes:
        out: The file.
        bytes: Its length.
        images: How many images it holds.
        shrunk: How many of them were shrunk.
        classes: How many classes they have; 0 without labels.
        unusable: Images of which the file holds the name and this reason only.
    """

    out: Path
    bytes: int
    images: int
    shrunk: int
    classes: int
    unusable: list[dict[str, str]]


def pack(options: Pack, console: Console) -> PackMade:
    """Write beside the file, then give it its name."""
    if options.out.resolve() == options.data.resolve():
        raise ValueError(f"out is {options.out}, which is what is to be packed.")
    journal = Journal(options.out.parent, "files")
    journal.refuse_others([options.out.name])
    if is_old_pack(options.data):
        if options.size is not None:
            raise ValueError(
                f"size is {options.size}, but {options.data} is a pack in the first format, "
                f"which is written again as it is: leave {option('size')} out, then pack the new "
                "file with it."
            )
        images, contents = old_pack(options.data)
    else:
        images = find_images(options.data)
        contents = contents_of(images, size=options.size, loader=options.loader)
    with journal.writing(options.out.name) as staged, console.counting("packing", len(images)) as n:
        with staged.open("w+b") as file:
            written = write_pack(images, contents, file, done=lambda _: n(1))
            file.flush()
            os.fsync(file.fileno())
        if len(written.unusable) == len(images):
            path, reason = written.unusable[0]
            raise DataError(f"none of the images can be used ({path}: {reason}).")
    return PackMade(
        out=options.out,
        bytes=written.num_bytes,
        images=len(images) - len(written.unusable),
        shrunk=written.shrunk,
        classes=len(images.classes or ()),
        unusable=unusable_files(written.unusable),
    )


def show_packed(result: PackMade, terminal: Terminal) -> None:
    """Shows the size of the file, and what could not be used."""
    shrunk = f", {result.shrunk:,} of them shrunk," if result.shrunk else ""
    say(
        terminal,
        f"{result.images:,} images{shrunk} are in {result.out} ({result.bytes / 2**20:.1f} MiB).",
    )
    show_unusable(result.unusable, terminal)
