"""The commands of ``fcmae``, and nothing else knows the whole list."""

from fcmae.cli.ablate.ablate import Ablate, ablate, show_ablated
from fcmae.cli.command import Command
from fcmae.cli.datasets.check import Check, check, show_checked
from fcmae.cli.datasets.pack import Pack, pack, show_packed
from fcmae.cli.demo.demo import Demo, demo
from fcmae.cli.demo.table import show_demonstrated
from fcmae.cli.export.export import Convert, Export, convert, export
from fcmae.cli.export.exported import show_exported
from fcmae.cli.info import Info, info, show_info
from fcmae.cli.launch.launch import Launch, launch, show_launched
from fcmae.cli.report import Report, report, show_reported
from fcmae.cli.show.analysis import show_analyzed
from fcmae.cli.show.classification import show_evaluated, show_finetuned, show_predicted
from fcmae.cli.show.costs import show_bench, show_costs, show_input_bench
from fcmae.cli.show.detection import (
    show_detector_evaluated,
    show_detector_predicted,
    show_detector_trained,
)
from fcmae.cli.show.features import show_embedded
from fcmae.cli.show.pretraining import show_pretrained, show_reconstructed
from fcmae.cli.show.segmentation import (
    show_finetuned_segmenter,
    show_predicted_segments,
    show_segmented,
)
from fcmae.cli.show.values import show_estimated, show_finetuned_values, show_predicted_values
from fcmae.costs.commands import bench_input, bench_pretrain, cost
from fcmae.costs.cost import Cost
from fcmae.costs.input import BenchInput
from fcmae.costs.pretraining import BenchPretrain
from fcmae.inference.analyze.analyze import analyze
from fcmae.inference.analyze.options import Analyze
from fcmae.inference.classification.evaluate import evaluate_classify
from fcmae.inference.classification.options import EvaluateClassify, PredictClassify
from fcmae.inference.classification.predict import predict_classify
from fcmae.inference.detection.evaluate import evaluate_detect
from fcmae.inference.detection.options import EvaluateDetect, PredictDetect
from fcmae.inference.detection.predict import predict_detect
from fcmae.inference.features.embed import embed
from fcmae.inference.features.evaluate import evaluate_linear, evaluate_neighbours
from fcmae.inference.features.options import Embed, EvaluateLinear, EvaluateNeighbours
from fcmae.inference.reconstruct import Reconstruct, reconstruct
from fcmae.inference.segmentation.evaluate import evaluate_segment
from fcmae.inference.segmentation.options import EvaluateSegment, PredictSegment
from fcmae.inference.segmentation.predict import predict_segment
from fcmae.inference.values.evaluate import evaluate_values
from fcmae.inference.values.options import EvaluateValues, PredictValues
from fcmae.inference.values.predict import predict_values
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
    "demo": Command(
        options=Demo,
        run=demo,
        show=show_demonstrated,
        example="fcmae demo",
        purpose="tools",
        common=("out", "quick"),
    ),
    "check": Command(
        options=Check,
        run=check,
        show=show_checked,
        sound=lambda checked: checked.sound,
        example="fcmae check photos",
        purpose="data",
        common=("task",),
        positional=("data",),
    ),
    "pack": Command(
        options=Pack,
        run=pack,
        show=show_packed,
        example="fcmae pack --data photos --out photos.zip --size 512",
        purpose="data",
        common=("size", "loader.workers"),
    ),
    "info": Command(
        options=Info,
        run=info,
        show=show_info,
        example="fcmae info --model tiny --size 384",
        purpose="tools",
        common=("model", "weights", "size", "encoder.channels"),
    ),
    "cost": Command(
        options=Cost,
        run=cost,
        show=show_costs,
        example="fcmae cost --model base huge --batch_size 32 --gpus 16",
        purpose="tools",
        common=("model", "task", "size", "batch_size", "gpus", "precision", "images", "epochs"),
    ),
    "pretrain": Command(
        options=Pretrain,
        run=train,
        show=show_pretrained,
        example="fcmae pretrain --data photos --out runs/pretrain --model atto",
        purpose="train",
        common=(
            "weights",
            "model",
            "size",
            "mask.ratio",
            "optim.epochs",
            "optim.batch_size",
            "run.device",
        ),
    ),
    "contrast": Command(
        options=Contrast,
        run=train,
        show=show_pretrained,
        example="fcmae contrast --data photos --out runs/contrast --model atto",
        purpose="train",
        common=(
            "weights",
            "model",
            "size",
            "optim.epochs",
            "optim.batch_size",
            "monitor.labelled",
            "run.device",
        ),
    ),
    "finetune classify": Command(
        options=FinetuneClassify,
        run=train,
        show=show_finetuned,
        example="fcmae finetune classify --data photos --weights runs/pretrain --out runs/classify",
        purpose="train",
        common=(
            "val",
            "weights",
            "model",
            "size",
            "optim.epochs",
            "optim.batch_size",
            "optim.base_lr",
            "run.device",
        ),
    ),
    "finetune detect": Command(
        options=FinetuneDetect,
        run=train,
        show=show_detector_trained,
        example="fcmae finetune detect --data coco --weights runs/pretrain --out runs/detect",
        purpose="train",
        common=(
            "val",
            "weights",
            "model",
            "size",
            "optim.epochs",
            "masks",
            "optim.batch_size",
            "optim.base_lr",
            "run.device",
        ),
    ),
    "finetune segment": Command(
        options=FinetuneSegment,
        run=train,
        show=show_finetuned_segmenter,
        example="fcmae finetune segment --data scenes --weights runs/pretrain --out runs/segment",
        purpose="train",
        common=(
            "val",
            "weights",
            "model",
            "size",
            "optim.epochs",
            "optim.batch_size",
            "optim.base_lr",
            "run.device",
        ),
    ),
    "finetune values": Command(
        options=FinetuneValues,
        run=train,
        show=show_finetuned_values,
        example="fcmae finetune values --data values.csv --weights runs/pretrain --out runs/values",
        purpose="train",
        common=(
            "val",
            "kind",
            "weights",
            "model",
            "size",
            "optim.epochs",
            "optim.batch_size",
            "optim.base_lr",
            "run.device",
        ),
    ),
    "evaluate classify": Command(
        options=EvaluateClassify,
        run=evaluate_classify,
        show=show_evaluated,
        example="fcmae evaluate classify --data labelled --weights runs/classify",
        purpose="use",
        common=("out", "size", "run.batch_size", "run.device"),
    ),
    "evaluate detect": Command(
        options=EvaluateDetect,
        run=evaluate_detect,
        show=show_detector_evaluated,
        example="fcmae evaluate detect --data coco --weights runs/detect",
        purpose="use",
        common=("out", "size", "tiles.size", "run.batch_size", "run.device"),
    ),
    "evaluate segment": Command(
        options=EvaluateSegment,
        run=evaluate_segment,
        show=show_segmented,
        example="fcmae evaluate segment --data scenes --weights runs/segment",
        purpose="use",
        common=("out", "size", "scan.mode", "run.batch_size", "run.device"),
    ),
    "evaluate values": Command(
        options=EvaluateValues,
        run=evaluate_values,
        show=show_estimated,
        example="fcmae evaluate values --data values.csv --weights runs/values",
        purpose="use",
        common=("size", "run.batch_size", "run.device"),
    ),
    "evaluate neighbours": Command(
        options=EvaluateNeighbours,
        run=evaluate_neighbours,
        show=show_evaluated,
        example="fcmae evaluate neighbours --data labelled --weights runs/pretrain",
        purpose="use",
        common=("weights", "model", "val", "size", "k", "labels_per_class", "run.device"),
    ),
    "evaluate linear": Command(
        options=EvaluateLinear,
        run=evaluate_linear,
        show=show_evaluated,
        example="fcmae evaluate linear --data labelled --weights runs/pretrain",
        purpose="use",
        common=("weights", "model", "val", "size", "labels_per_class", "run.device"),
    ),
    "predict classify": Command(
        options=PredictClassify,
        run=predict_classify,
        show=show_predicted,
        example="fcmae predict classify --data photos --weights runs/classify --out classes.csv",
        purpose="use",
        common=("top", "size", "run.batch_size", "run.device"),
    ),
    "predict detect": Command(
        options=PredictDetect,
        run=predict_detect,
        show=show_detector_predicted,
        example="fcmae predict detect --data photos --weights runs/detect --out found",
        purpose="use",
        common=("score", "pictures", "size", "tiles.size", "run.device"),
    ),
    "predict segment": Command(
        options=PredictSegment,
        run=predict_segment,
        show=show_predicted_segments,
        example="fcmae predict segment --data photos --weights runs/segment --out segmented",
        purpose="use",
        common=("write", "size", "scan.mode", "run.device"),
    ),
    "predict values": Command(
        options=PredictValues,
        run=predict_values,
        show=show_predicted_values,
        example="fcmae predict values --data photos --weights runs/values --out values.csv",
        purpose="use",
        common=("size", "run.batch_size", "run.device"),
    ),
    "embed": Command(
        options=Embed,
        run=embed,
        show=show_embedded,
        example="fcmae embed --data photos --weights runs/pretrain --out features.npz",
        purpose="use",
        common=("size", "run.batch_size", "run.device"),
    ),
    "reconstruct": Command(
        options=Reconstruct,
        run=reconstruct,
        show=show_reconstructed,
        example="fcmae reconstruct --data photos --weights runs/pretrain --out pictures",
        purpose="look",
        common=("images", "ratio", "size", "run.device"),
    ),
    "report": Command(
        options=Report,
        run=report,
        show=show_reported,
        example="fcmae report runs/pretrain runs/classify --out report.html",
        purpose="look",
        common=("out",),
        positional=("runs",),
    ),
    "ablate": Command(
        options=Ablate,
        run=ablate,
        show=show_ablated,
        example="fcmae ablate table-1-decoders --data imagenet --out ablations/decoders",
        purpose="look",
        common=("only", "set", "seeds", "gpus", "slurm", "dry_run"),
        positional=("plan",),
    ),
    "analyze": Command(
        options=Analyze,
        run=analyze,
        show=show_analyzed,
        example="fcmae analyze runs/pretrain --data labelled",
        purpose="look",
        common=("what", "compare", "out", "images", "size", "run.device"),
        positional=("weights",),
    ),
    "launch": Command(
        options=Launch,
        run=launch,
        show=show_launched,
        example="fcmae launch --gpus 8 -- pretrain --data photos --out runs/pretrain",
        purpose="tools",
        common=("gpus", "slurm", "job.partition"),
        rest="command",
    ),
    "export": Command(
        options=Export,
        run=export,
        show=show_exported,
        example="fcmae export runs/classify --format onnx",
        purpose="use",
        common=("out", "part", "size", "precision"),
        positional=("weights",),
    ),
    "convert": Command(
        options=Convert,
        run=convert,
        show=show_exported,
        example="fcmae convert convnextv2_atto.pt converted --to timm",
        purpose="use",
        common=("part",),
        positional=("weights", "out"),
    ),
    "bench pretrain": Command(
        options=BenchPretrain,
        run=bench_pretrain,
        show=show_bench,
        example="fcmae bench pretrain --model atto tiny --size 224 --ratio 0.6",
        purpose="tools",
        common=("model", "size", "ratio", "batch_size", "run.device"),
    ),
    "bench input": Command(
        options=BenchInput,
        run=bench_input,
        show=show_input_bench,
        example="fcmae bench input --data photos --size 224",
        purpose="tools",
        common=("packed", "size", "batch_size", "loader.workers"),
    ),
}
