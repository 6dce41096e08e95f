"""The public names of fcmae. Written by ``python -m fcmae.cli.stub``: do not edit."""

from fcmae.ablation.options import (
    StepJob,
)
from fcmae.analysis.options import (
    MapOptions,
)
from fcmae.api import (
    ablate,
    analyze,
    bench,
    check,
    contrast,
    convert,
    cost,
    demo,
    embed,
    evaluate,
    export,
    finetune,
    info,
    launch,
    load,
    pack,
    predict,
    pretrain,
    reconstruct,
    report,
)
from fcmae.checkpoint.options import (
    Source,
)
from fcmae.checkpoint.weights import (
    save_weights,
)
from fcmae.cli.ablate.ablate import (
    Ablate,
    Ablated,
)
from fcmae.cli.datasets.check import (
    Check,
    Checked,
)
from fcmae.cli.datasets.check_pixels import (
    ChannelValues,
)
from fcmae.cli.datasets.pack import (
    Pack,
    PackMade,
)
from fcmae.cli.demo.demo import (
    Demo,
)
from fcmae.cli.demo.table import (
    Demonstrated,
)
from fcmae.cli.export.export import (
    Convert,
    Export,
)
from fcmae.cli.export.exported import (
    Exported,
)
from fcmae.cli.info import (
    Family,
    Info,
    ModelInfo,
)
from fcmae.cli.launch.launch import (
    Launch,
    Launched,
)
from fcmae.cli.report import (
    Report,
    Reported,
)
from fcmae.cli.shared.console import (
    Console,
)
from fcmae.costs.cost import (
    Cost,
    Costs,
)
from fcmae.costs.input import (
    BenchInput,
    InputBench,
)
from fcmae.costs.pretraining import (
    Bench,
    BenchPretrain,
)
from fcmae.data.batch import (
    Batch,
)
from fcmae.data.feed import (
    Feed,
)
from fcmae.data.options import (
    Augment,
    Crop,
    Jitter,
    Loader,
    SceneAugment,
    Views,
)
from fcmae.data.segments.options import (
    LabelMapOptions,
)
from fcmae.data.source import (
    ImageData,
    ImageStream,
)
from fcmae.engine.fit import (
    fit,
)
from fcmae.engine.options import (
    Run,
)
from fcmae.evaluation.options import (
    Scan,
    Tiles,
)
from fcmae.inference.analyze.options import (
    Analyze,
    Analyzed,
)
from fcmae.inference.classification.options import (
    EvaluateClassify,
    Evaluated,
    PredictClassify,
    Predicted,
)
from fcmae.inference.detection.options import (
    DetectorEvaluated,
    DetectorPredicted,
    EvaluateDetect,
    PredictDetect,
)
from fcmae.inference.features.options import (
    Embed,
    Embedded,
    EvaluateLinear,
    EvaluateNeighbours,
)
from fcmae.inference.features.transformer import (
    Features,
)
from fcmae.inference.reconstruct import (
    Reconstruct,
    Reconstructed,
)
from fcmae.inference.segmentation.options import (
    EvaluateSegment,
    PredictSegment,
    PredictedSegments,
    Segmented,
)
from fcmae.inference.values.options import (
    Estimated,
    EvaluateValues,
    PredictValues,
    PredictedValues,
)
from fcmae.jobs.options import (
    Job,
)
from fcmae.loss.options import (
    ContrastOptions,
    Target,
)
from fcmae.masking import (
    Mask,
)
from fcmae.model.autoencoder import (
    Autoencoder,
)
from fcmae.model.build import (
    register,
)
from fcmae.model.classifier import (
    Classifier,
)
from fcmae.model.detector import (
    Detector,
)
from fcmae.model.encoder import (
    Encoder,
)
from fcmae.model.estimator import (
    Estimator,
)
from fcmae.model.grn_options import (
    Grn,
)
from fcmae.model.layers import (
    GRN,
)
from fcmae.model.net_autoencoder import (
    NetAutoencoder,
)
from fcmae.model.net_encoder import (
    NetEncoder,
)
from fcmae.model.options import (
    Architecture,
    DecoderOptions,
    EncoderOptions,
    MaskRCNN,
    Projection,
    Suppression,
    UPerNet,
)
from fcmae.model.segmenter import (
    Segmenter,
)
from fcmae.optim.options import (
    Optim,
)
from fcmae.options.compute import (
    Compute,
)
from fcmae.task import (
    Evaluation,
    Step,
    Task,
)
from fcmae.training.classification import (
    FinetuneClassify,
    Finetuned,
)
from fcmae.training.contrastive import (
    Contrast,
)
from fcmae.training.detection import (
    DetectorTrained,
    FinetuneDetect,
)
from fcmae.training.pretraining import (
    Monitor,
    Pretrain,
)
from fcmae.training.segmentation import (
    FinetuneSegment,
    FinetunedSegmenter,
)
from fcmae.training.unlabelled import (
    Pretrained,
    Watch,
)
from fcmae.training.values import (
    FinetuneValues,
    FinetunedValues,
)

__version__: str
__all__ = [
    "Ablate",
    "Ablated",
    "Analyze",
    "Analyzed",
    "Architecture",
    "Augment",
    "Autoencoder",
    "Batch",
    "Bench",
    "BenchInput",
    "BenchPretrain",
    "ChannelValues",
    "Check",
    "Checked",
    "Classifier",
    "Compute",
    "Console",
    "Contrast",
    "ContrastOptions",
    "Convert",
    "Cost",
    "Costs",
    "Crop",
    "DecoderOptions",
    "Demo",
    "Demonstrated",
    "Detector",
    "DetectorEvaluated",
    "DetectorPredicted",
    "DetectorTrained",
    "Embed",
    "Embedded",
    "Encoder",
    "EncoderOptions",
    "Estimated",
    "Estimator",
    "EvaluateClassify",
    "EvaluateDetect",
    "EvaluateLinear",
    "EvaluateNeighbours",
    "EvaluateSegment",
    "EvaluateValues",
    "Evaluated",
    "Evaluation",
    "Export",
    "Exported",
    "Family",
    "Features",
    "Feed",
    "FinetuneClassify",
    "FinetuneDetect",
    "FinetuneSegment",
    "FinetuneValues",
    "Finetuned",
    "FinetunedSegmenter",
    "FinetunedValues",
    "GRN",
    "Grn",
    "ImageData",
    "ImageStream",
    "Info",
    "InputBench",
    "Jitter",
    "Job",
    "LabelMapOptions",
    "Launch",
    "Launched",
    "Loader",
    "MapOptions",
    "Mask",
    "MaskRCNN",
    "ModelInfo",
    "Monitor",
    "NetAutoencoder",
    "NetEncoder",
    "Optim",
    "Pack",
    "PackMade",
    "PredictClassify",
    "PredictDetect",
    "PredictSegment",
    "PredictValues",
    "Predicted",
    "PredictedSegments",
    "PredictedValues",
    "Pretrain",
    "Pretrained",
    "Projection",
    "Reconstruct",
    "Reconstructed",
    "Report",
    "Reported",
    "Run",
    "Scan",
    "SceneAugment",
    "Segmented",
    "Segmenter",
    "Source",
    "Step",
    "StepJob",
    "Suppression",
    "Target",
    "Task",
    "Tiles",
    "UPerNet",
    "Views",
    "Watch",
    "ablate",
    "analyze",
    "bench",
    "check",
    "contrast",
    "convert",
    "cost",
    "demo",
    "embed",
    "evaluate",
    "export",
    "finetune",
    "fit",
    "info",
    "launch",
    "load",
    "pack",
    "predict",
    "pretrain",
    "reconstruct",
    "register",
    "report",
    "save_weights",
]
