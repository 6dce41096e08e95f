"""Commands that train."""

from fcmae.cli.command import Command
from fcmae.cli.show.classification import show_finetuned
from fcmae.cli.show.detection import show_detector_trained
from fcmae.cli.show.pretraining import show_pretrained
from fcmae.cli.show.segmentation import show_finetuned_segmenter
from fcmae.cli.show.values import show_finetuned_values
from fcmae.training import (
    Contrast,
    FinetuneClassify,
    FinetuneDetect,
    FinetuneSegment,
    FinetuneValues,
    Pretrain,
    train,
)

COMMANDS: dict[str, Command] = {
    "pretrain": Command(
        options=Pretrain,
        run=train,
        show=show_pretrained,
        example="fcmae pretrain --data photos --out runs/pretrain --model atto",
        purpose="train",
        common="weights model size mask.ratio optim.epochs optim.batch_size run.device",
    ),
    "contrast": Command(
        options=Contrast,
        run=train,
        show=show_pretrained,
        example="fcmae contrast --data photos --out runs/contrast --model atto",
        purpose="train",
        common="weights model size optim.epochs optim.batch_size monitor.labelled run.device",
    ),
    "finetune classify": Command(
        options=FinetuneClassify,
        run=train,
        show=show_finetuned,
        example="fcmae finetune classify --data photos --weights runs/pretrain --out runs/classify",
        purpose="train",
        common="val weights model size optim.epochs optim.batch_size optim.base_lr run.device",
    ),
    "finetune detect": Command(
        options=FinetuneDetect,
        run=train,
        show=show_detector_trained,
        example="fcmae finetune detect --data coco --weights runs/pretrain --out runs/detect",
        purpose="train",
        common="weights model size masks optim.epochs optim.batch_size optim.base_lr run.device",
    ),
    "finetune segment": Command(
        options=FinetuneSegment,
        run=train,
        show=show_finetuned_segmenter,
        example="fcmae finetune segment --data scenes --weights runs/pretrain --out runs/segment",
        purpose="train",
        common="val weights model size optim.epochs optim.batch_size optim.base_lr run.device",
    ),
    "finetune values": Command(
        options=FinetuneValues,
        run=train,
        show=show_finetuned_values,
        example="fcmae finetune values --data values.csv --weights runs/pretrain --out runs/values",
        purpose="train",
        common="val kind weights model size optim.epochs optim.batch_size optim.base_lr run.device",
    ),
}
