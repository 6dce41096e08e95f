"""The commands as functions: ``fcmae.pretrain(data=..., out=..., mask={"ratio": 0.75})``.

Keyword arguments are the flags of the command; a group is a dict or its dataclass. Wrong options
raise ``ValueError``, everything else that a user can mend raises ``fcmae.errors.FcmaeError``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from fcmae.checkpoint.options import Rule, Source
from fcmae.cli.ablate.ablate import Ablated
from fcmae.cli.analyze.analyze import Analyzed
from fcmae.cli.bench.cost import Costs
from fcmae.cli.bench.input import InputBench
from fcmae.cli.bench.pretrain import Bench
from fcmae.cli.commands import COMMANDS
from fcmae.cli.datasets.check import Checked
from fcmae.cli.datasets.pack import PackMade
from fcmae.cli.demo.table import Demonstrated
from fcmae.cli.export.exported import Exported
from fcmae.cli.info import Family, ModelInfo
from fcmae.cli.launch.launch import Launched
from fcmae.cli.report import Reported
from fcmae.cli.shared.console import Console
from fcmae.inference.classification.evaluated import Evaluated
from fcmae.inference.classification.predict import Predicted
from fcmae.inference.detection.evaluate import DetectorEvaluated
from fcmae.inference.detection.predict import DetectorPredicted
from fcmae.inference.features.embed import Embedded
from fcmae.inference.reconstruct import Reconstructed
from fcmae.inference.segmentation.evaluated import Segmented
from fcmae.inference.segmentation.predict import PredictedSegments
from fcmae.inference.values.evaluated import Estimated
from fcmae.inference.values.predict import PredictedValues
from fcmae.options.parse import build, config_values, keyword_values
from fcmae.setup.weights import read_weights
from fcmae.training.classification import Finetuned
from fcmae.training.detection import DetectorTrained
from fcmae.training.pretraining import Pretrained
from fcmae.training.segmentation import FinetunedSegmenter
from fcmae.training.values import FinetunedValues

if TYPE_CHECKING:
    from torch import nn

Config = str | Path | Sequence[str | Path]
"""A YAML file or the name of a recipe, or several of which later ones win."""


def options_of(command: str, config: Config = (), **options: Any) -> Any:
    """The options of a command as its dataclass, exactly as the command line makes them."""
    kind = COMMANDS[command].options
    configs = [config] if isinstance(config, (str, Path)) else config
    values = config_values(map(str, configs), kind)
    return build(kind, {**values, **keyword_values(options, kind)})


def pretrain(*, config: Config = (), **options: Any) -> Pretrained:
    """Pre-train an encoder, as ``fcmae pretrain`` does."""
    return cast(Pretrained, _run("pretrain", config, options))


def contrast(*, config: Config = (), **options: Any) -> Pretrained:
    """Pre-train an encoder on pairs of views, as ``fcmae contrast`` does."""
    return cast(Pretrained, _run("contrast", config, options))


def finetune(
    task: Literal["classify", "detect", "segment", "values"] = "classify",
    *,
    config: Config = (),
    **options: Any,
) -> Finetuned | DetectorTrained | FinetunedSegmenter | FinetunedValues:
    """Train a model for a task from weights or from scratch, as ``fcmae finetune`` does."""
    found = _run(f"finetune {task}", config, options)
    return cast(Finetuned | DetectorTrained | FinetunedSegmenter | FinetunedValues, found)


def evaluate(
    how: Literal["classify", "detect", "segment", "values", "neighbours", "linear"],
    *,
    config: Config = (),
    **options: Any,
) -> Evaluated | DetectorEvaluated | Segmented | Estimated:
    """Measure a model or its features, as ``fcmae evaluate`` does."""
    found = _run(f"evaluate {how}", config, options)
    return cast(Evaluated | DetectorEvaluated | Segmented | Estimated, found)


def predict(
    task: Literal["classify", "detect", "segment", "values"] = "classify",
    *,
    config: Config = (),
    **options: Any,
) -> Predicted | DetectorPredicted | PredictedSegments | PredictedValues:
    """Say what is in images, as ``fcmae predict`` does."""
    found = _run(f"predict {task}", config, options)
    return cast(Predicted | DetectorPredicted | PredictedSegments | PredictedValues, found)


def embed(*, config: Config = (), **options: Any) -> Embedded:
    """Write the features of images into a table, as ``fcmae embed`` does."""
    return cast(Embedded, _run("embed", config, options))


def reconstruct(*, config: Config = (), **options: Any) -> Reconstructed:
    """Draw reconstructions, as ``fcmae reconstruct`` does."""
    return cast(Reconstructed, _run("reconstruct", config, options))


def report(*, config: Config = (), **options: Any) -> Reported:
    """Show runs in one HTML page, as ``fcmae report`` does."""
    return cast(Reported, _run("report", config, options))


def analyze(*, config: Config = (), **options: Any) -> Analyzed:
    """Look inside an encoder, as ``fcmae analyze`` does."""
    return cast(Analyzed, _run("analyze", config, options))


def export(*, config: Config = (), **options: Any) -> Exported:
    """Write a model for other tools, as ``fcmae export`` does."""
    return cast(Exported, _run("export", config, options))


def convert(*, config: Config = (), **options: Any) -> Exported:
    """Write weights in the form of another library, as ``fcmae convert`` does."""
    return cast(Exported, _run("convert", config, options))


def ablate(*, config: Config = (), **options: Any) -> Ablated:
    """Run a plan of comparisons, as ``fcmae ablate`` does."""
    return cast(Ablated, _run("ablate", config, options))


def check(*, config: Config = (), **options: Any) -> Checked:
    """Open every image of a data set, as ``fcmae check`` does."""
    return cast(Checked, _run("check", config, options))


def pack(*, config: Config = (), **options: Any) -> PackMade:
    """Put a data set into one file, as ``fcmae pack`` does."""
    return cast(PackMade, _run("pack", config, options))


def info(*, config: Config = (), **options: Any) -> ModelInfo | Family:
    """Count parameters and operations, as ``fcmae info`` does."""
    return cast(ModelInfo | Family, _run("info", config, options))


def cost(*, config: Config = (), **options: Any) -> Costs:
    """Model memory and GPU-hours, as ``fcmae cost`` does."""
    return cast(Costs, _run("cost", config, options))


def bench(
    what: Literal["pretrain", "input"] = "pretrain", *, config: Config = (), **options: Any
) -> Bench | InputBench:
    """Time training steps or the reading of images, as ``fcmae bench`` does."""
    return cast(Bench | InputBench, _run(f"bench {what}", config, options))


def launch(*, config: Config = (), **options: Any) -> Launched:
    """Train in several processes or write a SLURM job, as ``fcmae launch`` does."""
    return cast(Launched, _run("launch", config, options))


def demo(*, config: Config = (), **options: Any) -> Demonstrated:
    """Go the whole way on real photographs, as ``fcmae demo`` does."""
    return cast(Demonstrated, _run("demo", config, options))


def load(
    weights: str | Path,
    *,
    channels: int | None = None,
    adapt: Rule | None = None,
    source: Source | None = None,
) -> "nn.Module":
    """A model in evaluation mode on the CPU, with ``predict(image)`` where it can.

    Args:
        weights: A run's folder, a file of weights of a known form, or the name of published ones:
            ``timm:NAME``, ``hf:OWNER/NAME``, ``official:NAME``, or an https address.
        channels: Channels of the images, where they are not those of the weights.
        adapt: How the stem becomes one for them: ``repeat`` or ``average``.
        source: How to fetch published weights.
    """
    from fcmae.checkpoint.weights import load_model
    from fcmae.inference.predictor import with_predict

    header = read_weights(weights, fetch=source, reporter=Console()).header
    return with_predict(*load_model(header, channels=channels, adapt=adapt))


def _run(name: str, config: Config, options: dict[str, Any]) -> Any:
    if name not in COMMANDS:
        command = name.split(maxsplit=1)[0]
        names = [other.split()[1] for other in COMMANDS if other.startswith(f"{command} ")]
        raise ValueError(f"there is no {name!r}: after {command} comes {' or '.join(names)}.")
    return COMMANDS[name](options_of(name, config, **options))
