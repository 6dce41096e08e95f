"""Commands that use trained models: evaluate, predict, embed, export."""

from fcmae.cli.command import Command
from fcmae.cli.export.export import Convert, Export, convert, export
from fcmae.cli.export.exported import show_exported
from fcmae.cli.show.classification import show_evaluated, show_predicted
from fcmae.cli.show.detection import show_detector_evaluated, show_detector_predicted
from fcmae.cli.show.features import show_embedded
from fcmae.cli.show.segmentation import show_predicted_segments, show_segmented
from fcmae.cli.show.values import show_estimated, show_predicted_values
from fcmae.inference.classification.evaluate import evaluate_classify
from fcmae.inference.classification.options import EvaluateClassify, PredictClassify
from fcmae.inference.classification.predict import predict_classify
from fcmae.inference.detection.evaluate import evaluate_detect
from fcmae.inference.detection.options import EvaluateDetect, PredictDetect
from fcmae.inference.detection.predict import predict_detect
from fcmae.inference.features.embed import embed
from fcmae.inference.features.evaluate import evaluate_linear, evaluate_neighbours
from fcmae.inference.features.options import Embed, EvaluateLinear, EvaluateNeighbours
from fcmae.inference.segmentation.evaluate import evaluate_segment
from fcmae.inference.segmentation.options import EvaluateSegment, PredictSegment
from fcmae.inference.segmentation.predict import predict_segment
from fcmae.inference.values.evaluate import evaluate_values
from fcmae.inference.values.options import EvaluateValues, PredictValues
from fcmae.inference.values.predict import predict_values

COMMANDS: dict[str, Command] = {
    "evaluate classify": Command(
        options=EvaluateClassify,
        run=evaluate_classify,
        show=show_evaluated,
        example="fcmae evaluate classify --data labelled --weights runs/classify",
        purpose="use",
        common="out size run.batch_size run.device",
    ),
    "evaluate detect": Command(
        options=EvaluateDetect,
        run=evaluate_detect,
        show=show_detector_evaluated,
        example="fcmae evaluate detect --data coco --weights runs/detect",
        purpose="use",
        common="out size tiles.size run.batch_size run.device",
    ),
    "evaluate segment": Command(
        options=EvaluateSegment,
        run=evaluate_segment,
        show=show_segmented,
        example="fcmae evaluate segment --data scenes --weights runs/segment",
        purpose="use",
        common="out size scan.mode run.batch_size run.device",
    ),
    "evaluate values": Command(
        options=EvaluateValues,
        run=evaluate_values,
        show=show_estimated,
        example="fcmae evaluate values --data values.csv --weights runs/values",
        purpose="use",
        common="size run.batch_size run.device",
    ),
    "evaluate neighbours": Command(
        options=EvaluateNeighbours,
        run=evaluate_neighbours,
        show=show_evaluated,
        example="fcmae evaluate neighbours --data labelled --weights runs/pretrain",
        purpose="use",
        common="weights model val size k labels_per_class run.device",
    ),
    "evaluate linear": Command(
        options=EvaluateLinear,
        run=evaluate_linear,
        show=show_evaluated,
        example="fcmae evaluate linear --data labelled --weights runs/pretrain",
        purpose="use",
        common="weights model val size labels_per_class run.device",
    ),
    "predict classify": Command(
        options=PredictClassify,
        run=predict_classify,
        show=show_predicted,
        example="fcmae predict classify --data photos --weights runs/classify --out classes.csv",
        purpose="use",
        common="top size run.batch_size run.device",
    ),
    "predict detect": Command(
        options=PredictDetect,
        run=predict_detect,
        show=show_detector_predicted,
        example="fcmae predict detect --data photos --weights runs/detect --out found",
        purpose="use",
        common="score pictures size tiles.size run.device",
    ),
    "predict segment": Command(
        options=PredictSegment,
        run=predict_segment,
        show=show_predicted_segments,
        example="fcmae predict segment --data photos --weights runs/segment --out segmented",
        purpose="use",
        common="write size scan.mode run.device",
    ),
    "predict values": Command(
        options=PredictValues,
        run=predict_values,
        show=show_predicted_values,
        example="fcmae predict values --data photos --weights runs/values --out values.csv",
        purpose="use",
        common="size run.batch_size run.device",
    ),
    "embed": Command(
        options=Embed,
        run=embed,
        show=show_embedded,
        example="fcmae embed --data photos --weights runs/pretrain --out features.npz",
        purpose="use",
        common="size run.batch_size run.device",
    ),
    "export": Command(
        options=Export,
        run=export,
        show=show_exported,
        example="fcmae export runs/classify --format onnx",
        purpose="use",
        common="out part size precision",
        positional=("weights",),
    ),
    "convert": Command(
        options=Convert,
        run=convert,
        show=show_exported,
        example="fcmae convert convnextv2_atto.pt converted --to timm",
        purpose="use",
        common="part",
        positional=("weights", "out"),
    ),
}
