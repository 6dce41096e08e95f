"""Detector and segmenter, training and inference, against the same heads on timm's encoder.

    python benchmarks/scenes.py --device cuda                     1024 and 512 pixels, tiny and base
    python benchmarks/scenes.py --model atto --detect 256 --segment 128 --batch 2

A training step is loss, gradients and AdamW on images with ten objects each, or with a class for
every pixel. Weights are random, as many boxes are proposed either way, and the ways take turns.
Rows go to ``benchmarks/results/scenes.csv`` (``--out`` names another).
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import steps
import timing
import timm
import torch
from torch import Tensor, nn

from fcmae.data.batch import Batch
from fcmae.data.targets import Targets
from fcmae.engine.memory import keep_freed_memory
from fcmae.kernels import choice
from fcmae.model.detector import Detector
from fcmae.model.options import architecture
from fcmae.model.pyramid import LevelNorms
from fcmae.model.segmenter import Segmenter
from fcmae.task import Task
from fcmae.tasks.detect import DetectTask
from fcmae.tasks.segment import SegmentTask
from fcmae.types import Images, Level

CLASSES = {"detect": 80, "segment": 150}
OBJECTS = 10


class OnTimm(nn.Module):
    """Stands in place of ``LevelNorms``: the same norms, on the maps of timm's encoder."""

    def __init__(self, norms: LevelNorms) -> None:
        super().__init__()
        self.norms = norms

    def forward(self, encoder: nn.Module, images: Images) -> list[Level]:
        """One map per stage, largest first."""
        return [self._normed(str(i), x) for i, x in enumerate(encoder(images))]

    def _normed(self, name: str, x: Level) -> Level:
        normed: Tensor = self.norms[name](x.flatten(2).transpose(1, 2))
        return normed.transpose(1, 2).reshape(x.shape)


def main() -> None:
    """Every model, for both tasks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", nargs="+", default=["tiny", "base"])
    parser.add_argument("--type", choices=steps.TYPES, default="bfloat16")
    parser.add_argument("--detect", type=int, default=1024)
    parser.add_argument("--segment", type=int, default=512)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="scenes")
    args = parser.parse_args()
    keep_freed_memory()
    timing.write(args.out, rows(args))


def rows(args: argparse.Namespace) -> Iterator[timing.Row]:
    """Images per second of either encoder."""
    device = torch.device(args.device)
    for model in args.model:
        for of in ("detect", "segment"):
            tasks = {way: task(of, model, way).to(device) for way in ("ours", "timm")}
            batch = batch_of(of, args.batch, getattr(args, of), device)
            for kind, made in (("training", training), ("inference", inference)):
                ways = {way: made(one, batch, args) for way, one in tasks.items()}
                seconds = timing.in_turns(ways, args.rounds, device)
                for way in ways:
                    yield {
                        "of": of, "kind": kind, "model": model, "encoder": way,
                        "images_per_s": f"{args.batch / seconds[way]:.2f}",
                        "times_timm": f"{seconds['timm'] / seconds[way]:.2f}",
                        "size": getattr(args, of), "batch": args.batch, "type": args.type,
                        **timing.origin(device),
                    }  # fmt: skip


def task(of: str, model: str, way: str) -> Task:
    """A task with its model, whose encoder is ours or timm's."""
    torch.manual_seed(0)
    made: DetectTask | SegmentTask
    if of == "detect":
        made = DetectTask(Detector(architecture(model), num_classes=CLASSES[of]), seed=0)
    else:
        made = SegmentTask(Segmenter(architecture(model), num_classes=CLASSES[of]))
    if way == "timm":
        made.model.norms = OnTimm(made.model.norms)
        made.model.encoder = timm.create_model(f"convnextv2_{model}", features_only=True)
    return made


def batch_of(of: str, count: int, size: int, device: torch.device) -> Batch:
    """Random images with random labels."""
    targets = [objects(size) if of == "detect" else pixels(size) for _ in range(count)]
    batch = Batch(
        images=torch.randn(count, 3, size, size),
        indices=torch.arange(count),
        repeats=torch.zeros(count, dtype=torch.int64),
        epoch=0,
        targets=Targets.of(targets),
    )
    return batch.to(device)


def objects(size: int) -> dict[str, Tensor]:
    """Boxes of an eighth to a quarter of the image's side, filled by their objects."""
    corners = torch.rand(OBJECTS, 2) * size * 3 / 4
    boxes = torch.cat([corners, corners + size / 8 * (1 + torch.rand(OBJECTS, 2))], dim=1)
    masks = torch.zeros(OBJECTS, size, size, dtype=torch.bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
        mask[top:bottom, left:right] = True
    labels = torch.randint(CLASSES["detect"], (OBJECTS,))
    fitted = torch.tensor([size, size])
    return {"boxes": boxes, "labels": labels, "masks": masks, "fitted": fitted}


def pixels(size: int) -> dict[str, Tensor]:
    """A class for each pixel."""
    return {"mask": torch.randint(CLASSES["segment"], (size, size), dtype=torch.int16)}


def training(of: Task, batch: Batch, args: argparse.Namespace) -> Callable[[], None]:
    """A step of the task."""
    type_, kernels = steps.TYPES[args.type], steps.fast(batch.images.device)
    return steps.train(of.train(), lambda: of(batch).loss, type_=type_, kernels=kernels)


def inference(of: Task, batch: Batch, args: argparse.Namespace) -> Callable[[], None]:
    """What the model says about the images."""
    return partial(look, of, batch.images, steps.TYPES[args.type])


@torch.inference_mode()
def look(of: Task, images: Images, type_: torch.dtype) -> None:
    """Boxes and masks, or scores of all pixels."""
    narrow = type_ != torch.float32
    with (
        choice.using(steps.fast(images.device)),
        torch.autocast(images.device.type, type_, enabled=narrow),
    ):
        of.model.eval()(images)


if __name__ == "__main__":
    main()
