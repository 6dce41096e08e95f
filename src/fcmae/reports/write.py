"""Write the page beside nothing else: one file, whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from fcmae.files.durable import storage_errors, write_text
from fcmae.reports.page import page
from fcmae.reports.run import RunRecord


def write_page(records: Sequence[RunRecord], out: Path) -> int:
    """Write the page of some runs; gives back its size in bytes."""
    text = page(records)
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text)
    return out.stat().st_size
