"""Training of classifiers: options, model and result."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from fcmae.data.held_out import few_labels
from fcmae.data.listing import split
from fcmae.data.source import ImageSource
from fcmae.engine.folder import ACCURACY
from fcmae.engine.report import Reporter
from fcmae.model.options import Architecture
from fcmae.optim.options import Optim
from fcmae.setup.nets import check_test_size, net_at
from fcmae.setup.preflight import check_at_least_one
from fcmae.training.finetuning import ImageOptions
from fcmae.training.result import Done, FinetuneResult
from fcmae.training.start import Images, Net, Prepared

if TYPE_CHECKING:
    from fcmae.model.classifier import Classifier
    from fcmae.model.timm_net import TimmClassifier
    from fcmae.training.parts import Parts

FINETUNING = Optim(
    base_lr=2e-3,
    batch_size=64,
    epochs=100,
    betas=(0.9, 0.999),
    layer_decay=0.8,
)


@dataclass(frozen=True, kw_only=True)
class Finetuned(FinetuneResult):
    """The result of training a classifier. Shares are between 0 and 1.

    Attributes:
        pictures: Folder of the pictures.
        top1: Share of validation images that the final weights classify right.
        top5: Share of them whose class is among the five likeliest, for more than five classes.
        best_top1: The highest top-1 of any epoch (chosen on these images, so a little flattering).
        per_class: Recall and precision of each class, by the final weights.
    """

    pictures: Path
    top1: float
    top5: float | None = None
    best_top1: float
    per_class: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FinetuneClassify(ImageOptions[Finetuned]):
    """Train a classifier, from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    command: ClassVar[str] = "finetune classify"

    data: ImageSource
    """Folder with one folder per class, or with train and val folders of those, or a .csv list
    with columns path,label."""

    labels_per_class: int | None = None
    """Train on so many images of each class, drawn by the seed; by default on all."""

    head: Literal["fitting", "new"] = "fitting"
    """Source of the head: fitting takes that of a classifier among the weights, where it tells the
    same classes apart (by their names, or their number where they have no names); new draws one."""

    optim: Optim = FINETUNING

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels_per_class is not None:
            check_at_least_one(labels_per_class=self.labels_per_class)

    def net_for_size(self, net: Net) -> Net:
        """Returns the net for images of the sizes to train and to validate on."""
        size, net = net_at(self.size, net)
        if self.test_size is not None:
            check_test_size(self.test_size, size, net)
        return net

    def find(self, reporter: Reporter) -> Images:
        """Finds labelled images to train and to validate on."""
        train, val = split(self.data, self.val, share=self.val_share, loader=self.loader)
        if self.labels_per_class is not None:
            train = few_labels(train, self.labels_per_class, self.run.seed)
        return Images(train=train, val=val)

    def build(self, start: Prepared) -> "Classifier | TimmClassifier":
        """Builds a classifier with what the weights have for it."""
        from fcmae.model.classifier import Classifier
        from fcmae.model.timm_net import TimmClassifier
        from fcmae.training.init_weights import init_weights

        classes = start.images.classes
        more: dict[str, Any] = {
            "num_classes": len(classes),
            "drop_path": self.encoder.drop_path,
            "head_init_scale": self.head_init_scale,
            "checkpointing": self.encoder.checkpointing,
        }
        model: Classifier | TimmClassifier
        if isinstance(start.backbone, Architecture):
            model = Classifier(start.backbone, **more)
        else:
            model = TimmClassifier(start.backbone, **more)
        keep = self.head == "fitting" and start.has_weights_of("classifier", classes)
        return init_weights(model, self, start, new=() if keep else ("head",))

    def parts(self, start: Prepared) -> "Parts":
        """Builds a classifier, its views and its validation."""
        from fcmae.tasks.classify import ClassifyTask
        from fcmae.tasks.evaluations.accuracy import Accuracy
        from fcmae.training.parts import Parts

        model = self.build(start)
        viewing = self.viewing(start)
        return Parts(
            task=ClassifyTask(model, augment=self.augment, freeze=self.freeze),
            feed=self.feed(start),
            evaluations=[Accuracy(start.images.validation, viewing, every=self.every)],
            best="val/top1",
        )

    def result(self, done: Done) -> Finetuned:
        """Reads the accuracies of the last validation."""
        found, top1 = done.measured(ACCURACY), done.metrics["val/top1"]
        return Finetuned(
            **done.finetuned(found),
            pictures=done.folder.pictures,
            top1=top1,
            top5=done.metrics.get("val/top5"),
            best_top1=top1 if done.best is None else done.best,
            per_class=found["per_class"],
        )
