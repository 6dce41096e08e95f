"""The last words of a process, left for whoever started it together with others.

torchrun names a file for the error of each process (``TORCHELASTIC_ERROR_FILE``) and shows what is
in it. ``fcmae launch`` reads the same files, to say each error once.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fcmae.engine.rank_env import place

LAUNCHED = "fcmae-launch"
"""The run id of processes for which ``fcmae launch`` speaks."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """An error that a process left.

    Attributes:
        rank: The process.
        text: Its line for the user.
        code: Its exit code.
        timestamp: When it ended, in seconds.
        early: True before PyTorch is there. Until then all processes look at the same options and
            files, so that one speaks for all.
    """

    rank: int
    text: str
    code: int
    timestamp: float
    early: bool


def leave_words(text: str, code: int) -> bool:
    """Leaves an error for torchrun or ``fcmae launch``, where one of them asks for it.

    Returns:
        True if ``fcmae launch`` will say it, so that nobody else has to.
    """
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if path is None:
        return False
    early = "torch" not in sys.modules
    extra = {"rank": place().rank or 0, "code": code, "timestamp": time.time(), "early": early}
    said = json.dumps({"message": {"message": text, "extraInfo": extra}})
    try:
        Path(f"{path}.part").write_text(said, encoding="utf-8")
        Path(f"{path}.part").replace(path)
    except OSError:
        return False
    return os.environ.get("TORCHELASTIC_RUN_ID") == LAUNCHED


def read_words(folder: Path) -> list[Words]:
    """Reads what the processes of this machine left, in the order in which they ended.

    Args:
        folder: Where torchrun keeps a folder for each process.
    """
    messages = (json.loads(file.read_text("utf-8")) for file in folder.glob("**/error.json"))
    said = [Words(text=x["message"]["message"], **x["message"]["extraInfo"]) for x in messages]
    return sorted(said, key=lambda words: words.timestamp)
