"""Pre-training against training from scratch, with few labels: one grid of runs, one CSV.

    python benchmarks/label_efficiency.py DATA OUT pretrain --model atto --size 64 --stem 2
    python benchmarks/label_efficiency.py DATA OUT finetune --labels 50 --lr 1e-3 \\
        [--weights OUT/pretrain-atto]
    python benchmarks/label_efficiency.py DATA OUT probe [--weights OUT/pretrain-atto]

DATA holds ``train/CLASS`` and ``val/CLASS``, and ``unlabeled`` if there are images without labels.
Every result is appended to OUT/results.csv; runs that are there already are not repeated.
"""

import argparse
import csv
import time
from pathlib import Path

import torch

from fcmae.analysis.feature_distance import feature_distance
from fcmae.checkpoint.weights import load_into
from fcmae.data.augment import EvaluationView, Pretraining, Supervised
from fcmae.data.feed import Feed, evaluation_batches
from fcmae.data.held_out import few_labels
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.options import Augment, Crop, Loader
from fcmae.engine.fit import fit
from fcmae.engine.options import Run
from fcmae.evaluation.classify import classify
from fcmae.evaluation.embed import embed
from fcmae.evaluation.linear import linear_probe
from fcmae.evaluation.neighbours import neighbours
from fcmae.masking import Mask
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.options import architecture
from fcmae.optim.options import Optim
from fcmae.setup.sources import find_all
from fcmae.tasks.classify import ClassifyTask
from fcmae.tasks.reconstruct import ReconstructTask

LOADER = Loader(workers=0)
FIELDS = ["what", "model", "init", "labels", "lr", "seed", "epochs", "value", "seconds"]


def main() -> None:
    """Run one cell of the grid."""
    args = parse()
    torch.manual_seed(args.seed)
    row = {"pretrain": pretrain, "finetune": finetune, "probe": probe}[args.what](args)
    print(row)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("what", choices=["pretrain", "finetune", "probe"])
    parser.add_argument("--model", default="atto")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--stem", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--layer-decay", type=float, default=1.0)
    parser.add_argument("--labels", type=int, default=0, help="labels per class; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--precision", default="bfloat16")
    return parser.parse_args()


def record(args: argparse.Namespace, rows: list[dict[str, object]]) -> None:
    """Append results to the CSV."""
    path = args.out / "results.csv"
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        for row in rows:
            common = {
                "model": args.model,
                "init": args.weights.name if args.weights else "scratch",
                "labels": args.labels or "all",
                "lr": args.lr,
                "seed": args.seed,
                "epochs": args.epochs,
            }
            writer.writerow(common | row)


def unlabelled(data: Path) -> ImageList:
    """Everything that may be looked at without labels: never the validation images."""
    extra = data / "unlabeled"
    return find_all([extra, data / "train"] if extra.exists() else [data / "train"])


def pretrain(args: argparse.Namespace) -> str:
    """FCMAE on all images that are not for validation."""
    mask = Mask()
    model = Autoencoder(architecture(args.model, stem=args.stem), mask=mask)
    feed = Feed(
        unlabelled(args.data),
        Pretraining((args.size, args.size), Crop()),
        seed=args.seed,
        loader=LOADER,
        channels=3,
    )
    optim = Optim(
        base_lr=args.lr * 256 / args.batch,
        batch_size=args.batch,
        epochs=args.epochs,
        warmup_epochs=float(max(1, args.epochs // 10)),
    )
    out = args.out / f"pretrain-{args.model}"
    started = time.perf_counter()
    outcome = fit(
        ReconstructTask(model, seed=args.seed),
        feed,
        optim=optim,
        run=Run(precision=args.precision, checkpoint_every=5, seed=args.seed),
        out=out,
    )
    loss, seconds = outcome.metrics["loss"], time.perf_counter() - started
    record(args, [{"what": "pretrain loss", "value": loss, "seconds": f"{seconds:.0f}"}])
    return f"{outcome}"


def finetune(args: argparse.Namespace) -> str:
    """Supervised training from weights or from scratch; everything else is the same."""
    images = find_images(args.data / "train", labels=True)
    if args.labels:
        images = few_labels(images, args.labels, seed=args.seed)
    assert images.classes is not None
    model = Classifier(
        architecture(args.model, stem=args.stem), num_classes=len(images.classes), drop_path=0.1
    )
    if args.weights:
        load_into(model, args.weights)
    augment = Augment(scale=(0.35, 1.0), rand_augment=None, mixup=0.0, cutmix=0.0, erase=0.0)
    optim = Optim(
        base_lr=args.lr * 256 / args.batch,
        batch_size=args.batch,
        epochs=args.epochs,
        warmup_epochs=args.epochs / 10,
        betas=(0.9, 0.999),
        layer_decay=args.layer_decay,
    )
    name = f"{args.model}-{args.weights.name if args.weights else 'scratch'}"
    started = time.perf_counter()
    fit(
        ClassifyTask(model, augment=augment),
        Feed(
            images,
            Supervised((args.size, args.size), augment),
            seed=args.seed,
            loader=LOADER,
            channels=3,
        ),
        optim=optim,
        run=Run(precision=args.precision, checkpoint_every=args.epochs, seed=args.seed),
        out=args.out / f"finetune-{name}-{args.labels}-{args.lr}-{args.seed}-{args.epochs}",
    )
    seconds = time.perf_counter() - started
    result = classify(model, labelled(args, "val"), images.classes)
    record(
        args,
        [{"what": "finetune top1", "value": f"{result.top1:.4f}", "seconds": f"{seconds:.0f}"}],
    )
    return (
        f"{name} {args.labels} lr {args.lr} seed {args.seed}: {result.top1:.4f} ({seconds:.0f} s)"
    )


def labelled(args: argparse.Namespace, part: str, view: EvaluationView | None = None):
    """Batches of the labelled images of a part."""
    view = view or EvaluationView((args.size, args.size), crop_ratio=1.0)
    images = find_images(args.data / part, labels=True)
    return evaluation_batches(images, view, loader=LOADER, channels=3, batch_size=100)


def probe(args: argparse.Namespace) -> str:
    """Nearest neighbours, linear probe and the collapse curve, on frozen features."""
    classes = find_images(args.data / "train", labels=True).classes
    assert classes is not None
    model = Classifier(architecture(args.model, stem=args.stem), num_classes=len(classes))
    if args.weights:
        load_into(model, args.weights)
    model.eval()
    train, val = embed(model, labelled(args, "train")), embed(model, labelled(args, "val"))
    rows: list[dict[str, object]] = [
        {"what": "neighbours top1", "value": f"{neighbours(train, val, classes).top1:.4f}"},
        {"what": "linear top1", "value": f"{linear_probe(train, val, classes).result.top1:.4f}"},
    ]
    distances = feature_distance(model.encoder, labelled(args, "val")).of_blocks
    rows.append({"what": "feature distance", "value": " ".join(f"{d:.3f}" for d in distances)})
    record(args, rows)
    return f"{rows}"


if __name__ == "__main__":
    main()
