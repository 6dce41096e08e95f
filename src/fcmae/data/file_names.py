"""Names of files that are no images, and of files and folders that are hidden."""

TEXTS = "txt md rst csv tsv json geojson jsonl ndjson yaml yml toml ini cfg conf log xml html htm"
DOCUMENTS = "pdf doc docx xls xlsx ppt pptx odt license lock md5 sha1 sha256 crc tmp part bak"
PROGRAMS = "py pyc ipynb sh bat js css m r"
ARRAYS = "npy npz h5 hdf5 mat pkl pickle pt pth ckpt safetensors onnx parquet feather arrow"
STORES = "sqlite db lmdb mdb tfrecord pack zip tar gz tgz bz2 xz 7z rar"
FILMS = "mp4 avi mov mkv webm mp3 wav"
NOT_IMAGES = frozenset(" ".join([TEXTS, DOCUMENTS, PROGRAMS, ARRAYS, STORES, FILMS]).split())
PAPERS = "readme license licence notice copying authors changelog citation makefile dockerfile"
NOT_IMAGE_NAMES = frozenset(PAPERS.split())
SYSTEM_FILES = frozenset(["thumbs.db", "desktop.ini", "icon\r"])
HIDDEN = "a hidden or system file, not an image"
APPLE_DOUBLE = "macOS metadata (AppleDouble), not an image"
NOBODY_MISSES = frozenset([HIDDEN, APPLE_DOUBLE])
"""Reasons to set a file aside that are no fault of a data set."""

SYSTEM_FOLDERS = frozenset(
    ["__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin", "system volume information"]
)


def is_hidden_folder(name: str) -> bool:
    """True if a folder belongs to a system, not to a data set."""
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def why_hidden(name: str) -> str | None:
    """The reason why a file is no image of the user's, or None."""
    if name.startswith("._"):
        return APPLE_DOUBLE
    return HIDDEN if name.startswith(".") or name.lower() in SYSTEM_FILES else None


def is_something_else(name: str) -> bool:
    """True if a name says that a file is no image."""
    stem, _, ending = name.lower().rpartition(".")
    return (ending in NOT_IMAGES) if stem else (ending in NOT_IMAGE_NAMES)
