"""The demo's folder: another demo does not mix with what an earlier one left."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fcmae.engine.folder import next_former
from fcmae.files.durable import storage_errors, write_text

NOTE = "demo.json"
"""File with the options that everything in the folder was made with."""

MADE = (
    NOTE,
    "photos",
    "pretraining",
    "pictures",
    "from-scratch-lr-*",
    "pre-trained-lr-*",
    "report.html",
)
"""What a demo makes; whatever else lies in the folder is left alone."""


def make_ready(out: Path, asked: Mapping[str, Any]) -> Path | None:
    """Set aside what a demo with other options left; the same demo goes on with it.

    Args:
        out: The folder.
        asked: The options of this demo.

    Returns:
        Where the earlier demo is now, if there was one.
    """
    text = json.dumps(asked, indent=1, default=str) + "\n"
    note = out / NOTE
    if note.is_file() and note.read_text(encoding="utf-8") == text:
        return None
    left = [path for pattern in MADE for path in sorted(out.glob(pattern))]
    former = next_former(out)
    if left:
        with storage_errors(former):
            former.mkdir()
            for path in left:
                path.rename(former / path.name)
    write_text(note, text)
    return former if left else None
