"""Names of the columns of lists: which holds the paths, which the class, which the part."""

from collections.abc import Sequence

PATH_COLUMNS = ("path", "file", "filename", "image")
LABEL_COLUMNS = ("label", "class", "category")
OTHER_PATH_COLUMNS = (
    "imagepath", "filepath", "imgpath", "imagefile", "imagefilename", "imagename", "imgname", "img",
    "imageid", "imgid", "idcode", "imageindex", "id", "name",
)  # fmt: skip
"""Names that other lists have, in small letters and without spaces or underscores."""

OTHER_LABEL_COLUMNS = (
    "target", "classname", "labelname", "categoryname", "diagnosis", "dx", "species", "breed",
    "variety", "labels",
)  # fmt: skip
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "fold", "phase", "usage", "datasplit")
IS_VALID_COLUMNS = ("isvalid", "isval", "isvalidation")
ONE_SIDED_COLUMNS = ("istrain", "istraining", "istest", "istrainingimage")
SPLITS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev"),
    "test": ("test", "testing"),
}
"""Words for the parts of a list."""
PART_OF = {word: part for part, words in SPLITS.items() for word in words}

TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
UNKNOWN_WORDS = frozenset(["nan", "na", "n/a", "<na>", "#n/a", "null", "none"])
"""How programs write that a cell is empty."""


def plain(name: str) -> str:
    """A name in small letters, without spaces, underscores and hyphens."""
    return "".join(letter for letter in name.lower() if letter not in " _-")


def is_path_column(name: str) -> bool:
    """True if a column of this name may hold the paths."""
    return plain(name) in (*PATH_COLUMNS, *OTHER_PATH_COLUMNS)


def path_column(header: Sequence[str]) -> int | None:
    """Place of the column of paths: by the names that fcmae asks for, or else by usual ones."""
    return _place(header, (*PATH_COLUMNS, *OTHER_PATH_COLUMNS))


def _place(header: Sequence[str], wanted: Sequence[str]) -> int | None:
    names = [plain(name) for name in header]
    return next((names.index(name) for name in wanted if name in names), None)


def label_columns(header: Sequence[str]) -> list[int]:
    """Places of the columns that may be meant as the class.

    One by a name that fcmae asks for, or else all by usual names.
    """
    asked = _place(header, LABEL_COLUMNS)
    if asked is not None:
        return [asked]
    return [i for i, name in enumerate(header) if plain(name) in OTHER_LABEL_COLUMNS]
