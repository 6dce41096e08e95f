"""Names of the files in a run directory, and what its metrics file says; without PyTorch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.checkpoint.header import WEIGHTS
from fcmae.files.durable import storage_errors

ACCURACY = "accuracy.json"
"""Table per class and confusion matrix of the last evaluation."""

PRECISION = "precision.json"
"""Average precision per class of the last evaluation."""

ANALYSIS = "analysis"
"""Folder of what ``fcmae analyze`` found out about the weights."""

EXPORT = "export"
"""Folder of the weights in the forms of other tools."""

FORMER = "former-"


@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run directory."""

    root: Path

    @property
    def checkpoints(self) -> Path:
        """Everything needed to go on."""
        return self.root / "checkpoints"

    @property
    def pictures(self) -> Path:
        """Folder of the pictures that evaluations drew."""
        return self.root / "pictures"

    @property
    def tensorboard(self) -> Path:
        """The metrics, for TensorBoard."""
        return self.root / "tensorboard"

    @property
    def metrics(self) -> Path:
        """The metrics, one JSON object per line."""
        return self.root / "metrics.jsonl"

    @property
    def options(self) -> Path:
        """The resolved options."""
        return self.root / "options.json"

    @property
    def environment(self) -> Path:
        """Versions and devices of each start of the run."""
        return self.root / "environment.json"

    @property
    def weights(self) -> Path:
        """The result: the averaged weights where there is an average, else the trained ones."""
        return self.root / WEIGHTS

    @property
    def weights_raw(self) -> Path:
        """The trained weights of a run that also averages."""
        return self.root / "weights-raw.safetensors"

    @property
    def weights_best(self) -> Path:
        """The weights of the best evaluation."""
        return self.root / "weights-best.safetensors"

    @property
    def everything(self) -> list[Path]:
        """All that a run may write here."""
        return [
            self.checkpoints, self.pictures, self.tensorboard, self.metrics, self.options,
            self.environment, self.weights, self.weights_raw, self.weights_best,
            self.root / ACCURACY, self.root / PRECISION,
        ]  # fmt: skip

    def set_former_aside(self) -> Path | None:
        """Move what an earlier run left into a folder of its own, so that nothing is lost."""
        left = [path for path in self.everything if path.exists()]
        if not left:
            return None
        made = (self.root / name for name in (ANALYSIS, EXPORT))
        left += [path for path in made if path.exists()]
        former = next_former(self.root)
        with storage_errors(former):
            former.mkdir()
            for path in left:
                path.rename(former / path.name)
        return former


def next_former(root: Path) -> Path:
    """A new name for what was there before; some of the former ones may be gone."""
    names = (path.name.removeprefix(FORMER) for path in root.glob(f"{FORMER}*"))
    return root / f"{FORMER}{1 + max((int(n) for n in names if n.isdecimal()), default=0)}"


def metric_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a metrics file; a kill may have cut the last one short."""
    lines = []
    if path.exists():
        for text in path.read_bytes().splitlines():
            try:
                line = json.loads(text)
                lines.append({**line, "step": int(line["step"]), "kind": str(line["kind"])})
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue
    return lines
