"""Training of detectors (Mask R-CNN): options, model and result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fcmae.data.image_list import ImageList
from fcmae.data.objects.find import split_objects
from fcmae.data.objects.summary import fitted_away
from fcmae.data.objects.table import Objects
from fcmae.data.options import Jitter
from fcmae.data.source import ImageSource
from fcmae.engine.folder import PRECISION
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.evaluation.coco import require_coco_eval
from fcmae.evaluation.options import Tiles
from fcmae.flags import option
from fcmae.model.options import MaskRCNN, Suppression
from fcmae.optim.options import Optim
from fcmae.options.size import Size, sides, size_or
from fcmae.setup.labelled import BadLabels, Crowds, accepted, for_masks, label_rules
from fcmae.setup.weights import tiling_facts
from fcmae.training.finetuning import SceneOptions
from fcmae.training.result import Done, FinetuneResult
from fcmae.training.start import Images, Net, Prepared

if TYPE_CHECKING:
    from fcmae.model.detector import Detector
    from fcmae.training.parts import Parts

FINETUNING = Optim(
    base_lr=1.6e-3,
    batch_size=16,
    epochs=36,
    schedule="steps",
    betas=(0.9, 0.999),
    layer_decay=0.9,
    clip_grad=1.0,
)


@dataclass(frozen=True, kw_only=True)
class DetectorTrained(FinetuneResult):
    """The result of training a detector.

    Attributes:
        pictures: Folder of the pictures.
        boxes: COCO's numbers for boxes, by the final weights.
        masks: The same for masks, where there are any.
        best_ap: The highest average precision of any epoch, of masks where there are any (chosen on
            these images, so a little flattering).
        per_class: Average precision of each class.
    """

    pictures: Path
    boxes: dict[str, float | None]
    masks: dict[str, float | None] | None
    best_ap: float | None
    per_class: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FinetuneDetect(SceneOptions[DetectorTrained]):
    """Train a detector (Mask R-CNN), from pre-trained weights or from scratch.

    A run that was stopped goes on where it was when the same command is given again.
    """

    command: ClassVar[str] = "finetune detect"

    data: ImageSource
    """Images with labels: a COCO .json, a folder of COCO, YOLO, Pascal VOC or label images with a
    number for each object, or a .yaml that names train and val."""

    masks: bool | None = None
    """Find outlines too; by default where the labels have them."""

    size: Size = 512
    """Side in pixels of the views to train on, or height,width: multiples of the stride. Images are
    fitted into them; with tiles.size they keep their own size, and the views are parts of them."""

    test_size: Size | None = None
    """Height and width that images are fitted into to validate, whichever way round suits them; by
    default the same. With tiles.size they are looked at through windows instead."""

    bad_labels: BadLabels = "stop"
    """Treatment of labels that are wrong: stop before training; clip boxes at the border of their
    image, and stop for others; or leave all of them out. What was done is said."""

    crowds: Crowds = "ignore"
    """Treatment of crowd regions (COCO's iscrowd, Pascal VOC's difficult): ignore them, as COCO
    does, or take them as objects, which is right where a tool marks every mask as a crowd."""

    head: MaskRCNN = MaskRCNN()
    tiles: Tiles = Tiles()
    suppression: Suppression = Suppression()
    augment: Jitter = Jitter()
    optim: Optim = FINETUNING

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tiles.tiling() is not None and self.test_size is not None:
            raise ValueError(
                f"test_size is {self.test_size}, but with tiles.size no image is fitted into "
                "anything: leave one of them out."
            )
        if self.run.compile:
            raise ValueError(
                "run.compile does not go with detection, where every image has another number of "
                "boxes: leave it out."
            )

    @property
    def weights_size(self) -> tuple[int, int]:
        """Height and width that images are fitted into to validate, which the weights are for."""
        return sides(size_or(self.test_size, self.size), "test_size")

    def net_for_size(self, net: Net) -> Net:
        """Checks the sizes to train and to validate at."""
        net, _ = super().net_for_size(net), self.weights_size
        return net

    def find(self, reporter: Reporter) -> Images:
        """Finds images with sound labels to train and to validate on."""
        require_coco_eval()
        rules = label_rules(self.bad_labels, self.crowds)
        train, val = split_objects(
            self.data, self.val, share=self.val_share, loader=self.loader, rules=rules
        )
        train = for_masks(train, self.masks)
        val = for_masks(val, None if train.objects.outlined else False)
        judged = self.data if self.val is None else self.val
        return Images(
            train=self._large_enough(
                accepted(train, self.bad_labels, self.data, reporter, called="train")
            ),
            val=accepted(val, self.bad_labels, judged, reporter, called="val"),
            repeats=self.repeats,
            tiled=self.tiles.tiling() is not None,
            decided={} if self.masks is False else {"masks": train.objects.outlined},
        )

    def _large_enough(self, images: ImageList) -> ImageList:
        """Notes the objects that no view shows because images are fitted into it; refuses all."""
        if self.tiles.tiling() is not None:
            return images
        size, objects = sides(self.size), objects_of(images)
        lost = fitted_away(objects, size, self.augment.factors(own_size=False)[1])
        if not lost:
            return images
        said = (
            f"objects below a pixel once their images are fitted into {size[0]} x {size[1]} "
            f"pixels: {lost:,} of {int((~objects.crowd).sum()):,}. A larger {option('size')}, or "
            f"windows in the images' own size ({option('tiles.size', '1024')}), show them."
        )
        if lost == (~objects.crowd).sum():
            raise DataError(said)
        return replace(images, notes=(*images.notes, said))

    def build(self, start: Prepared) -> "Detector":
        """Builds a detector with what the weights have for it."""
        from fcmae.model.detector import Detector
        from fcmae.model.timm_net import TimmEncoder
        from fcmae.training.init_weights import freeze_unused, init_weights

        classes = start.images.classes
        model = Detector(
            start.backbone,
            num_classes=len(classes),
            masks=objects_of(start.images.labels).outlined,
            head=self.head,
            drop_path=self.encoder.drop_path,
            checkpointing=self.encoder.checkpointing,
        )
        model.suppress(self.suppression)
        freeze_unused(model.encoder, TimmEncoder.levels, start)
        keep = start.has_weights_of("detector", classes)
        return init_weights(model, self, start, new=() if keep else ("heads",))

    def parts(self, start: Prepared) -> "Parts":
        """Builds a detector, its views and its validation."""
        from fcmae.data.feed import Feed
        from fcmae.data.objects.views import LargeScaleJitter
        from fcmae.tasks.detect import DetectTask
        from fcmae.tasks.evaluations.precision import AveragePrecision
        from fcmae.training.parts import Parts

        model, seed, tiling = self.build(start), self.run.seed, self.tiles.tiling()
        objects, judged = objects_of(start.images.labels), objects_of(start.images.validation)
        feed = Feed(
            start.images.labels,
            LargeScaleJitter(sides(self.size), self.augment, own_size=tiling is not None),
            seed=seed,
            loader=start.loader,
            channels=start.channels,
            repeats=self.repeats,
        )
        precision = AveragePrecision(
            start.images.validation,
            self.weights_size,
            start.loader,
            tiling=tiling,
            every=self.every,
        )
        return Parts(
            task=DetectTask(model, seed=seed, freeze_stages=self.freeze_stages),
            feed=feed,
            evaluations=[precision],
            best="val/mask_ap" if objects.outlined and judged.outlined else "val/box_ap",
            facts={"class_ids": objects.class_ids.tolist(), **tiling_facts(tiling)},
        )

    def decided(self, net: Net | None, data: Mapping[str, Any]) -> "FinetuneDetect":
        """Returns the options with anchors, masks, windows and factors."""
        masks = data.get("masks") if self.masks is None else self.masks
        head, tiling = self.head, self.tiles.tiling()
        if net is not None:
            head = replace(head, anchor=head.smallest_anchor(net.stem))
        scale = self.augment.factors(own_size=tiling is not None)
        tiles = self.tiles if tiling is None else Tiles(size=tiling.size, overlap=tiling.overlap)
        augment = replace(self.augment, scale=scale)
        return replace(self, masks=masks, head=head, tiles=tiles, augment=augment)

    def result(self, done: Done) -> DetectorTrained:
        """Reads the average precisions of the last validation."""
        found = done.measured(PRECISION)
        return DetectorTrained(
            **done.finetuned(found),
            pictures=done.folder.pictures,
            boxes=found["boxes"],
            masks=found["masks"],
            best_ap=done.best,
            per_class=found["per_class"],
        )


def objects_of(images: ImageList) -> Objects:
    """Returns the labels of images that have some."""
    assert isinstance(images.annotations, Objects)
    return images.annotations
