"""Options for fetching published weights by name."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Rule = Literal["repeat", "average"]
"""How a stem is made for another number of channels."""

YES = ("1", "on", "true", "yes")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Fetching published weights, where weights is a name such as timm:convnextv2_tiny.fcmae."""

    sha256: str | None = None
    """SHA-256 that the file of weights must have. Without it, the one of the first download is
    recorded in the cache and demanded from then on."""

    offline: bool = False
    """Take only what the cache holds already; HF_HUB_OFFLINE=1 does the same."""

    cache: Path | None = None
    """Folder for downloads; by default ~/.cache/fcmae, and Hugging Face's own for its files."""

    def __post_init__(self) -> None:
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", self.sha256):
            raise ValueError(f"source.sha256 is {self.sha256}, but must be 64 hexadecimal digits.")

    @property
    def is_offline(self) -> bool:
        """True if nothing may be downloaded."""
        return self.offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in YES

    @property
    def folder(self) -> Path:
        """Folder of downloads and of the hashes of everything fetched."""
        if self.cache is not None:
            return self.cache
        home = os.environ.get("XDG_CACHE_HOME")
        return (Path(home) if home else Path.home() / ".cache") / "fcmae"
