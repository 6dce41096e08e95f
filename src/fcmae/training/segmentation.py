"""Training of segmenters: options, model and result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fcmae.data.options import SceneAugment
from fcmae.data.segments.find import meant, split_segments
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.survey import something_to_learn
from fcmae.data.source import ImageSource, described
from fcmae.engine.folder import ACCURACY
from fcmae.engine.report import Reporter
from fcmae.evaluation.options import Scan
from fcmae.model.options import UPerNet
from fcmae.optim.options import Optim
from fcmae.options.size import sides
from fcmae.training.finetuning import SceneOptions
from fcmae.training.result import Done, FinetuneResult
from fcmae.training.start import Images, Net, Prepared

if TYPE_CHECKING:
    from fcmae.model.segmenter import Segmenter
    from fcmae.training.parts import Parts

SEGMENTING = Optim(
    base_lr=1.6e-3,
    batch_size=16,
    epochs=100,
    schedule="linear",
    betas=(0.9, 0.999),
    layer_decay=0.9,
    layer_decay_by="stage",
)


@dataclass(frozen=True, kw_only=True)
class FinetunedSegmenter(FinetuneResult):
    """The result of training a segmenter. Shares are between 0 and 1.

    Attributes:
        pictures: Folder of the pictures.
        miou: Mean intersection over union of the classes, by the final weights.
        best_miou: The highest of any epoch (chosen on these images, so a little flattering).
        mean_accuracy: Mean of the shares of each class's pixels that are right.
        pixel_accuracy: Share of all pixels that are right.
        per_class: Pixels, intersection over union and accuracy of each class.
    """

    pictures: Path
    miou: float
    best_miou: float
    mean_accuracy: float
    pixel_accuracy: float
    per_class: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FinetuneSegment(SceneOptions[FinetunedSegmenter]):
    """Train a segmenter, from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    command: ClassVar[str] = "finetune segment"

    data: ImageSource
    """Folder with images and masks inside, each with or without train and val, or a .yaml that
    names those folders. A mask has the name of its image, and a class index in every pixel."""

    auxiliary_weight: float = 0.4
    """Factor of the auxiliary head's loss."""

    labels: LabelMapOptions = LabelMapOptions()
    head: UPerNet = UPerNet()
    augment: SceneAugment = SceneAugment()
    scan: Scan = Scan()
    optim: Optim = SEGMENTING

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.auxiliary_weight < 0:
            raise ValueError(f"auxiliary_weight is {self.auxiliary_weight}, but must be 0 or more.")

    @property
    def short_side(self) -> int | None:
        """Shorter side in pixels that images are resized to; None where they keep their size."""
        return self.augment.shorter(sides(self.size))

    def find(self, reporter: Reporter) -> Images:
        """Finds images with label maps to train and to validate on."""
        train, val = split_segments(self.data, self.val, self.labels, share=self.val_share)
        notes = something_to_learn(train, described(self.data))
        train = replace(train, notes=(*train.notes, *notes))
        known = meant(train)
        decided = {
            f"labels.{name}": getattr(known, name)
            for name in ("numbers", "ignore_index", "reduce_zero_label")
        }
        return Images(train=train, val=val, repeats=self.repeats, decided=decided)

    def build(self, start: Prepared) -> "Segmenter":
        """Builds a segmenter with what the weights have for it."""
        from fcmae.model.segmenter import Segmenter
        from fcmae.model.timm_net import TimmEncoder
        from fcmae.training.init_weights import freeze_unused, init_weights

        classes = start.images.classes
        model = Segmenter(
            start.backbone,
            num_classes=len(classes),
            head=self.head,
            drop_path=self.encoder.drop_path,
            checkpointing=self.encoder.checkpointing,
        )
        freeze_unused(model.encoder, TimmEncoder.levels, start)
        keep = start.has_weights_of("segmenter", classes)
        return init_weights(model, self, start, new=() if keep else ("head", "auxiliary"))

    def parts(self, start: Prepared) -> "Parts":
        """Builds a segmenter, its crops and its validation."""
        from fcmae.data.feed import Feed
        from fcmae.data.segments.views import SegmentationCrop
        from fcmae.tasks.evaluations.pixels import Pixels
        from fcmae.tasks.segment import SegmentTask
        from fcmae.training.parts import Parts

        model, size, seed = self.build(start), sides(self.size), self.run.seed
        loader, channels = start.loader, start.channels
        task = SegmentTask(
            model, auxiliary_weight=self.auxiliary_weight, freeze_stages=self.freeze_stages
        )
        feed = Feed(
            start.images.labels,
            SegmentationCrop(size, self.augment),
            seed=seed,
            loader=loader,
            channels=channels,
            repeats=self.repeats,
        )
        pixels = Pixels(
            start.images.validation,
            self.scan.after(self.short_side),
            size,
            loader=loader,
            channels=channels,
            every=self.every,
            seed=seed,
        )
        return Parts(
            task=task, feed=feed, evaluations=[pixels], best="val/miou", facts=self._facts(start)
        )

    def _facts(self, start: Prepared) -> dict[str, Any]:
        """Returns how images and label maps are read, which holds wherever the weights are used."""
        numbers = meant(start.images.labels).numbers
        return {
            "short_side": self.short_side,
            "labels": {
                **({} if numbers is None else {"numbers": list(numbers)}),
                "ignore_index": self.labels.ignore_index,
                "reduce_zero_label": self.labels.reduce_zero_label,
            },
        }

    def decided(self, net: Net | None, data: Mapping[str, Any]) -> "FinetuneSegment":
        """Returns the options with shorter sides and the meaning of numbers.

        The file that names the classes is left out: the names are compared with the images.
        """
        labels = replace(self.labels, classes=None)
        for name in ("numbers", "ignore_index", "reduce_zero_label"):
            if getattr(labels, name) is None:
                labels = replace(labels, **{name: data.get(f"labels.{name}")})
        augment = replace(self.augment, short_side=self.short_side)
        scan = self.scan.after(self.short_side)
        return replace(self, labels=labels, augment=augment, scan=scan)

    def result(self, done: Done) -> FinetunedSegmenter:
        """Reads the metrics of the last validation."""
        found = done.measured(ACCURACY)
        return FinetunedSegmenter(
            **done.finetuned(found),
            pictures=done.folder.pictures,
            miou=found["miou"],
            best_miou=found["miou"] if done.best is None else done.best,
            mean_accuracy=found["mean_accuracy"],
            pixel_accuracy=found["pixel_accuracy"],
            per_class=found["per_class"],
        )
