"""Training on several labels or numbers per image: options, model and result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fcmae.data.options import Augment
from fcmae.data.source import ImageSource, described
from fcmae.data.values import values_of
from fcmae.data.values_find import split_values
from fcmae.data.values_sheet import ValueKind
from fcmae.engine.folder import ACCURACY
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.optim.options import Optim
from fcmae.setup.nets import check_test_size, net_at
from fcmae.training.classification import FINETUNING
from fcmae.training.finetuning import ImageOptions
from fcmae.training.result import Done, FinetuneResult
from fcmae.training.start import Images, Net, Prepared

if TYPE_CHECKING:
    from fcmae.model.estimator import Estimator
    from fcmae.training.parts import Parts

UNMIXED = Augment(mixup=0.0, cutmix=0.0, smoothing=0.0)


@dataclass(frozen=True, kw_only=True)
class FinetunedValues(FinetuneResult):
    """The result of learning labels or numbers.

    Attributes:
        kind: Whether labels or numbers were learnt.
        mean_ap: Mean of the labels' average precisions, by the final weights.
        mae: Mean of the numbers' absolute errors.
        r2: Mean of the numbers' explained shares of variance.
        per_value: The same for each label or number.
    """

    kind: str
    mean_ap: float | None = None
    mae: float | None = None
    r2: float | None = None
    per_value: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FinetuneValues(ImageOptions[FinetunedValues]):
    """Learn several labels or numbers per image, from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    command: ClassVar[str] = "finetune values"

    data: ImageSource
    """A .csv list with a column path and one for each label (0 or 1) or number; or with a column
    labels that names them with semicolons between. Empty cells are unknown; a column split may
    tell train from val."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights, whose encoder to start from;
    left out: from scratch."""

    kind: ValueKind | None = None
    """Kind of the columns; by default labels where all values are 0 or 1, numbers where each
    column has others too. A mix must be said to be numbers."""

    unknown: float | None = None
    """Number that stands for a value that is not known, such as -1; empty cells always do."""

    augment: Augment = UNMIXED
    optim: Optim = FINETUNING

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mixup", "cutmix", "smoothing"):
            if getattr(self.augment, name):
                raise ValueError(
                    f"augment.{name} is {getattr(self.augment, name)}, but works on single "
                    "classes only: leave it at 0."
                )

    def net_for_size(self, net: Net) -> Net:
        """Checks the sizes to train and to validate on."""
        size, net = net_at(self.size, net)
        if self.test_size is not None:
            check_test_size(self.test_size, size, net)
        return net

    def find(self, reporter: Reporter) -> Images:
        """Finds images with values to train and to validate on."""
        train, val = split_values(
            self.data,
            self.val,
            self.kind,
            share=self.val_share,
            loader=self.loader,
            unknown=self.unknown,
        )
        values = values_of(train)
        _check_something_to_learn(values.table, self.data)
        # Columns of nothing but 0 and 1 are numbers only because an option says so.
        strange = np.isfinite(values.table) & ~np.isin(values.table, (0, 1))
        told = self.kind != "numbers" or strange.any()
        return Images(train=train, val=val, decided={"kind": values.kind} if told else {})

    def build(self, start: Prepared) -> "Estimator":
        """Builds an estimator with a new head, and the scale of the numbers."""
        import torch

        from fcmae.model.estimator import Estimator
        from fcmae.training.init_weights import init_weights

        values = values_of(start.images.labels)
        model = Estimator(
            start.backbone,
            num_values=values.table.shape[1],
            kind=values.kind,
            drop_path=self.encoder.drop_path,
            head_init_scale=self.head_init_scale,
            checkpointing=self.encoder.checkpointing,
        )
        init_weights(model, self, start, new=("head", "shift", "scale"))
        if values.kind == "numbers":
            shift, spread = np.nanmean(values.table, axis=0), np.nanstd(values.table, axis=0)
            model.shift.copy_(torch.from_numpy(shift))
            model.scale.copy_(torch.from_numpy(np.where(spread > 0, spread, 1)))
        return model

    def parts(self, start: Prepared) -> "Parts":
        """Builds an estimator, its views and its validation."""
        from fcmae.tasks.estimate import EstimateTask
        from fcmae.tasks.evaluations.values import ValueMetrics
        from fcmae.training.parts import Parts

        model = self.build(start)
        viewing = self.viewing(start)
        return Parts(
            task=EstimateTask(model, freeze=self.freeze),
            feed=self.feed(start),
            evaluations=[ValueMetrics(start.images.validation, viewing, every=self.every)],
            best="val/mean_ap" if model.kind == "labels" else "val/r2",
        )

    def decided(self, net: Net | None, data: Mapping[str, Any]) -> "FinetuneValues":
        """Returns the options with the kind of the values."""
        return replace(self, kind=self.kind or data.get("kind"))

    def result(self, done: Done) -> FinetunedValues:
        """Reads the metrics of the last validation."""
        found = done.measured(ACCURACY)
        return FinetunedValues(
            **done.finetuned(found),
            kind=values_of(done.images.labels).kind,
            mean_ap=found["mean_ap"],
            mae=found["mae"],
            r2=found["r2"],
            per_value=found["per_value"],
        )


def _check_something_to_learn(table: NDArray[np.float32], data: ImageSource) -> None:
    """Refuse columns that have one value each in all images to train on."""
    if all(len(np.unique(column[np.isfinite(column)])) < 2 for column in table.T):
        raise DataError(
            f"each column of {described(data)} has one value for all images to train on, so that "
            "there is nothing to learn: give images of other values, or other columns."
        )
