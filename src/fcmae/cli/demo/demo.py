"""``fcmae demo``: the whole way on real photographs, and one table to judge it by."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fcmae.cli.demo.folder import make_ready
from fcmae.cli.demo.table import Demonstrated, row
from fcmae.cli.report import Report, report
from fcmae.cli.shared.console import Console
from fcmae.data.options import Augment, Crop
from fcmae.engine.lock import hold
from fcmae.engine.options import Run
from fcmae.engine.rank_env import leads
from fcmae.inference.features.evaluate import evaluate_neighbours
from fcmae.inference.features.options import EvaluateNeighbours
from fcmae.inference.reconstruct import Reconstruct, reconstruct
from fcmae.model.options import EncoderOptions
from fcmae.optim.options import Optim
from fcmae.training import FinetuneClassify, Pretrain, train
from fcmae.training.pretraining import Monitor

STEPS = 6


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the demo, chosen to fit into four minutes on two cores.

    Attributes:
        size: Side of the pictures in pixels.
        unlabelled: Crops of each photograph to pre-train on.
        train: Labelled crops of each photograph.
        val: Crops of the other part of each photograph, to validate on.
        pretraining: Optimizer and schedule of the pre-training.
        finetuning: Those of the fine-tuning, for either start.
        rates: Base learning rates; each start is given the better one.
    """

    size: int = 48
    unlabelled: int = 100
    train: int = 5
    val: int = 20
    pretraining: Optim = Optim(base_lr=3e-3, batch_size=64, epochs=9, warmup_epochs=1.0)
    finetuning: Optim = Optim(batch_size=40, epochs=15, warmup_epochs=2.0, betas=(0.9, 0.999))
    rates: tuple[float, ...] = (4e-3, 1.2e-2)


FULL = Settings()
QUICK = Settings(
    unlabelled=2,
    train=2,
    val=1,
    pretraining=Optim(base_lr=1e-3, batch_size=16, epochs=1, warmup_epochs=0.0),
    finetuning=Optim(batch_size=16, epochs=1, warmup_epochs=0.0, betas=(0.9, 0.999)),
    rates=(4e-3,),
)
ENCODER = EncoderOptions(stem=2)
"""A stem patch of 2 pixels suits pictures of 48 pixels: they are 3 x 3 patches."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Pre-train, fine-tune and compare with training from scratch, on real photographs.

    The photographs come with scikit-image, and each is a class. Crops of one part of it are learned
    from, crops of another part are tested on. It takes about four minutes on two cores.
    """

    out: Path = Path("fcmae-demo")
    """Folder for pictures, runs and weights."""

    quick: bool = False
    """Do everything in a few steps: to see that it works, not how well."""

    run: Run = Run(devices=1)


def demo(options: Demo, console: Console) -> Demonstrated:
    """Every step is a command that may be given by hand as well."""
    begun = time.perf_counter()
    settings, brief = QUICK if options.quick else FULL, console.brief()
    with hold(options.out):
        from fcmae.cli.demo.photos import write_photos

        asked = {"settings": asdict(settings), "run": asdict(replace(options.run, resume=True))}
        if leads() and (former := make_ready(options.out, asked)):
            console.message(f"A demo with other options was here; it is now in {former}.")
        console.message(f"1/{STEPS}  Cutting crops out of the photographs of scikit-image.")
        counts = write_photos(
            options.out / "photos",
            size=settings.size,
            unlabelled=settings.unlabelled,
            train=settings.train,
            val=settings.val,
            seed=options.run.seed,
        )
        console.message(f"2/{STEPS}  Pre-training on {counts.unlabelled:,} crops without labels.")
        pretrained = train(pretraining(options, settings), brief)
        starts = {"from scratch": None, "pre-trained": pretrained.out}
        console.message(f"3/{STEPS}  Looking at nearest neighbours, untrained and pre-trained.")
        near = {start: look(w, options, settings, brief) for start, w in starts.items()}
        rates = " and ".join(f"{rate:g}" for rate in settings.rates)
        console.message(
            f"4/{STEPS}  Training on {counts.train} labelled crops, from scratch and pre-trained, "
            f"each at the base learning rates {rates}."
        )
        rows = [
            row(start, near[start], train_at_rates(start, weights, options, settings, brief))
            for start, weights in starts.items()
        ]
        console.message(f"5/{STEPS}  Drawing what the model reconstructs of crops it has not seen.")
        drawn = draw(pretrained.out, options, brief)
        console.message(f"6/{STEPS}  Putting all runs into one page.")
        page = show(options, settings, brief)
    best = run_folder(options.out, "pre-trained", rows[1].base_lr)
    return Demonstrated(
        rows=rows,
        epochs=settings.finetuning.epochs,
        classes=counts.classes,
        unlabelled=counts.unlabelled,
        labelled=counts.train,
        validation=counts.val,
        pretraining_loss=pretrained.metrics["loss"],
        seconds=time.perf_counter() - begun,
        reconstructions=drawn,
        confusion=best / "pictures" / "confusion.png",
        report=page,
        weights=best / "weights.safetensors",
        out=options.out,
    )


def pretraining(options: Demo, settings: Settings) -> Pretrain:
    """The options of the pre-training."""
    return Pretrain(
        data=options.out / "photos" / "unlabelled",
        out=options.out / "pretraining",
        size=settings.size,
        encoder=ENCODER,
        augment=Crop(scale=(0.4, 1.0)),
        optim=settings.pretraining,
        run=options.run,
        monitor=Monitor(every=max(settings.pretraining.epochs // 3, 1), images=64, pictures=4),
    )


def look(weights: Path | None, options: Demo, settings: Settings, console: Console) -> float:
    """Accuracy of nearest neighbours on the features, trained or not."""
    asked = EvaluateNeighbours(
        data=options.out / "photos",
        weights=None if weights is None else str(weights),
        size=settings.size,
        encoder=ENCODER,
        seed=options.run.seed,
    )
    return evaluate_neighbours(asked, console).top1


def train_at_rates(
    start: str, weights: Path | None, options: Demo, settings: Settings, console: Console
) -> dict[float, float]:
    """Accuracy after training with labels, at each learning rate; the same for either start."""
    tops = {}
    for rate in settings.rates:
        asked = FinetuneClassify(
            data=options.out / "photos",
            weights=None if weights is None else str(weights),
            out=run_folder(options.out, start, rate),
            size=settings.size,
            every=settings.finetuning.epochs,
            encoder=ENCODER,
            augment=Augment(scale=(0.4, 1.0), rand_augment=None, mixup=0.0, cutmix=0.0),
            optim=replace(settings.finetuning, base_lr=rate),
            run=options.run,
        )
        tops[rate] = train(asked, console).top1
    return tops


def draw(weights: Path, options: Demo, console: Console) -> Path:
    """A picture of reconstructions."""
    asked = Reconstruct(
        data=[options.out / "photos" / "val"],
        weights=str(weights),
        out=options.out / "pictures",
        images=8,
        seed=options.run.seed,
    )
    return reconstruct(asked, console).pictures[0]


def show(options: Demo, settings: Settings, console: Console) -> Path:
    """A page of all runs, written by the leading process."""
    page = options.out / "report.html"
    trained = [
        run_folder(options.out, start, rate)
        for start in ("from scratch", "pre-trained")
        for rate in settings.rates
    ]
    if leads():
        report(Report(runs=[pretraining(options, settings).out, *trained], out=page), console)
    return page


def run_folder(out: Path, name: str, rate: float) -> Path:
    """Folder of a fine-tuning."""
    return out / f"{name.replace(' ', '-')}-lr-{rate:g}"
