"""Seeded toy runs and the numbers they leave: losses, gradients, order of images, crops, masks.

    python tests/golden_runs.py > tests/golden.json  # writes all of them anew
    python tests/golden_runs.py draws pretrain       # prints some

It runs the fcmae that Python finds, and asks no more of it than commit c988434 has. Python's own
generator has a say in augmentation, so no other code may draw from it: checks of types do.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from fcmae.cli.main import main
from fcmae.data.augment import Pretraining, Supervised, View
from fcmae.data.contrasting import Contrasting
from fcmae.data.feed import Feed
from fcmae.data.listing import find_images
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.views import LargeScaleJitter
from fcmae.data.options import Loader
from fcmae.data.segments.views import SegmentationCrop
from fcmae.masking import Mask, draw_visible
from fcmae.randomness import bits, integer, permutation, seeded

Pixels = NDArray[np.uint8]

SEED = 5
SHORT = (
    "--size 64 --optim.batch_size 4 --optim.epochs 2 --optim.warmup_epochs 0 --optim.base_lr 0.05 "
    "--run.log_every 1 --run.device cpu --run.precision float32 --loader.workers 0"
)
UNLABELLED = f"--data {{root}}/classes/train --monitor.images 4 {SHORT}"
TUNED = f"{SHORT} --weights {{root}}/pretrain"

PRETRAIN = f"pretrain {UNLABELLED} --monitor.pictures 2 --decoder.width 32"
CONTRAST = (
    f"contrast {UNLABELLED} --projection.hidden 16 --projection.width 8 "
    "--optim.batch_size 8 --optim.base_lr 0.002 --augment.jitter 0 --augment.blur 0,0"
)
CLASSIFY = f"finetune classify --data {{root}}/classes {TUNED}"
DETECT = (
    f"finetune detect --data {{root}}/objects {TUNED} "
    "--head.width 8 --head.proposals 16 --augment.scale 1,1"
)
SEGMENT = (
    f"finetune segment --data {{root}}/scenes {TUNED} --head.width 16 --head.auxiliary_width 16 "
    "--augment.scale 1,1 --augment.colour false"
)
VALUES = f"finetune values --data {{root}}/values.csv {TUNED} --kind numbers --val_share 0.4"

RUNS = {
    "pretrain": PRETRAIN,
    "contrast": CONTRAST,
    "classify": CLASSIFY,
    "detect": DETECT,
    "segment": SEGMENT,
    "values": VALUES,
}
"""The command line of each training; fine-tunings start from the weights of ``pretrain``.

Colours and sizes are changed as little as may be: such changes round pixels as the processor does,
and a pixel changes a loss by more than ``test_golden.py`` allows. ``draws`` looks at them.
"""

VARIANTS = {
    "pretrain, masked blocks": f"{PRETRAIN} --model v1-atto --mask.pattern block --mask.ratio 0.5 "
    "--repeats 2 --target.normalize false --target.visible_weight 0.5 --encoder.drop_path 0.2 "
    "--optim.warmup_epochs 1 --run.seed 3",
    "pretrain, leaking": f"{PRETRAIN} --mask.convolution leaking-token --encoder.stem 2 "
    "--optim.schedule linear --run.micro_batch 2 --mask.pattern grid --mask.ratio 0.75",
    "contrast, from weights": f"{CONTRAST} --weights {{root}}/pretrain --run.micro_batch 4",
    "classify, averaged": f"{CLASSIFY} --labels_per_class 3 --run.micro_batch 2 --optim.ema 0.9 "
    "--optim.layer_decay 0.8 --optim.clip_grad 1",
    "classify, frozen": f"{CLASSIFY} --freeze encoder --test_size 96 --run.seed 1",
    "detect, boxes": f"{DETECT} --masks false --freeze_stages 1",
    "segment, views": f"{SEGMENT} --repeats 2 --freeze_stages 2 --run.seed 5",
    "values, labels": "finetune values --data {root}/labels.csv --kind labels --val_share 0.4 "
    + TUNED,
}
"""The same trainings with other options."""

CURVES = ("lr", "loss", "grad_norm", "loss_objectness")
"""What is kept of every step, where a training has it."""


def run(name: str, root: Path) -> dict[str, Any]:
    """Runs a training and reads what it left.

    Args:
        name: One of ``RUNS`` or ``VARIANTS``.
        root: Folder that ``make_data`` filled; the run is in a folder of its name there.
    """
    out = root / name
    words = (RUNS | VARIANTS)[name].format(root=root).split()
    code = main([*words, "--out", str(out)])
    assert code == 0, f"{name} ends with exit code {code}"
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["kind"] == "train"]
    weights = load_file(out / "weights.safetensors").values()
    curves = [curve for curve in CURVES if curve in steps[0]]
    found: dict[str, Any] = {curve: [step[curve] for step in steps] for curve in curves}
    found["weights"] = float(sum(x.double().square().sum() for x in weights) ** 0.5)
    if name.startswith("pretrain"):
        found["reconstructions"] = lines[-1]["reconstructions/loss"]
        found["feature_distance"] = lines[-1]["feature_distance/mean"]
    return found


def draws(root: Path) -> dict[str, Any]:
    """Returns what a run draws before it computes anything."""
    images = np.array([0, 3, 8])
    masks = {
        pattern: draw_visible(
            Mask(pattern=pattern), 25, seed=SEED, epoch=1, images=images, grid=(5, 5)
        ).tolist()
        for pattern in ("random", "block", "grid")
    }
    trained_on = {
        "pretrain": crops(Pretraining((24, 32)), root, repeats=2),
        "contrast": crops(Contrasting((24, 32)), root, repeats=2),
        "classify": crops(Supervised((24, 32)), root),
    }
    return {
        "bits": [integer(SEED, "golden", key) for key in range(3)] + [int(bits(-1, "golden", 2))],
        "permutation": permutation(SEED, "order", 1, length=9).tolist(),
        **{f"{pattern} mask": drawn for pattern, drawn in masks.items()},
        **{f"{name} {key}": drawn for name, x in trained_on.items() for key, drawn in x.items()},
        "label maps": [label_map(number) for number in range(8)],
        "boxes": [boxes(number) for number in range(8)],
    }


def colours(root: Path) -> dict[str, Any]:
    """Returns the mean colour of augmented views, from 0 to 255."""
    views = {
        "contrast": Contrasting((24, 32)),
        "classify": Supervised((24, 32)),
        "segment": SegmentationCrop((32, 40)),
    }
    return {name: means(view, root) for name, view in views.items()}


DRAWN = {"draws": draws, "colours": colours}
QUICK = (*DRAWN, *RUNS)


class Recorder(View):
    """Shows what another view aims at, and makes nothing of it."""

    def __init__(self, view: View, seen: list[list[int]]) -> None:
        self.view, self.seen, self.size = view, seen, view.size

    def numbered(self, number: int) -> "Recorder":
        return Recorder(self.view.numbered(number), self.seen)

    def aim(self, height: int, width: int) -> Any:
        region = self.view.aim(height, width)
        self.seen.append([*map(int, region.box), int(region.flip)])
        return region

    def finish(self, crop: Any, normalise: Any, out: torch.Tensor) -> None:
        out.zero_()


def crops(view: View, root: Path, *, repeats: int = 1) -> dict[str, Any]:
    """Returns order (epoch, image, view), labels and crops of the first two epochs of a feed."""
    seen = list[list[int]]()
    feed = Feed(
        find_images(root / "classes" / "train"),
        Recorder(view, seen),
        seed=SEED,
        loader=Loader(workers=0),
        channels=3,
        repeats=repeats,
    )
    steps = feed.steps_per_epoch(4)
    batches = list(feed.batches(first_step=0, last_step=2 * steps, batch_size=4, micro_batch=3))
    order = [
        [batch.epoch, index, repeat]
        for batch in batches
        for index, repeat in zip(batch.indices.tolist(), batch.repeats.tolist(), strict=True)
    ]
    labels = [label for batch in batches for label in batch.labels.tolist()]
    return {"order": order, "labels": labels, "crops": seen}


def means(view: View | SegmentationCrop, root: Path) -> list[list[float]]:
    """Returns the mean red, green and blue of the first eight views of a feed."""
    neutral = Loader(workers=0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    if isinstance(view, SegmentationCrop):
        normalise, shown = Normalisation.of(neutral, 3), []
        for number in range(8):
            with seeded(SEED, "golden", number):
                image, _ = view(pixels(number, 60, 80), {"mask": blocks()}, normalise)
                shown.append(image)
    else:
        images = find_images(root / "classes" / "train")
        feed = Feed(images, view, seed=SEED, loader=neutral, channels=3)
        batches = feed.batches(first_step=0, last_step=2, batch_size=4, micro_batch=4)
        shown = [image for batch in batches for image in batch.images]
    return [(255 * image.mean(dim=(1, 2))).tolist() for image in shown]


def label_map(number: int) -> list[int]:
    """Returns every eighth pixel of a label map, as the training on scenes shows it."""
    view, normalise = SegmentationCrop((32, 40)), Normalisation.of(Loader(), 3)
    with seeded(SEED, "golden", number):
        _, target = view(pixels(number, 60, 80), {"mask": blocks()}, normalise)
    return [int(x) for x in target["mask"][::8, ::8].flatten()]


def boxes(number: int) -> dict[str, Any]:
    """Returns the objects of one view, as the training of detectors shows it."""
    annotation = {
        "boxes": np.array([[4, 6, 40, 30], [30, 20, 76, 58]], dtype=np.float32),
        "labels": np.array([1, 2]),
    }
    view, normalise = LargeScaleJitter((48, 64)), Normalisation.of(Loader(), 3)
    with seeded(SEED, "golden", number):
        _, target = view(pixels(number, 60, 80), annotation, normalise)
    return {name: target[name].tolist() for name in ("fitted", "labels", "boxes")}


def make_data(root: Path) -> None:
    """Writes class folders, tables of values, scenes with label maps, and images with objects."""
    numbers, labels = ["path,brightness"], ["path,bright,even"]
    for number in range(14):
        part, kind = "train" if number < 9 else "val", number % 2
        path = Path("classes", part, ("even", "odd")[kind], f"{number}.png")
        save(pixels(number, 60 + number, 80, kind), root / path)
        numbers.append(f"{path},{number * number % 17}")
        labels.append(f"{path},{int(number * number % 17 > 8)},{1 - kind}")
    (root / "values.csv").write_text("\n".join(numbers))
    (root / "labels.csv").write_text("\n".join(labels))
    for number in range(6):
        part = "train" if number < 4 else "val"
        scene, mask = pixels(20 + number, 60, 80), np.zeros((60, 80), dtype=np.uint8)
        mask[8 * number : 8 * number + 20, 10:60] = 1
        mask[:2] = 255  # of no class
        scene[mask == 1] //= 4
        save(scene, root / "scenes" / "images" / part / f"{number}.png")
        save(mask, root / "scenes" / "masks" / part / f"{number}.png")
    (root / "scenes" / "classes.txt").write_text("ground\nbar\n")
    for part, drawn in (("train", range(4)), ("val", range(4, 6))):
        make_objects(root / "objects", part, drawn)


def make_objects(root: Path, part: str, numbers: range) -> None:
    """Writes one part of a COCO data set: a bright square and a dark bar in each image."""
    images, annotations = [], []
    for number in numbers:
        scene = pixels(30 + number, 48, 64)
        for kind, (x, y, w, h) in enumerate([(6 + number, 8, 16, 16), (30, 20, 24, 10)]):
            scene[y : y + h, x : x + w] = 250 - 240 * kind
            outline = [x, y, x + w, y, x + w, y + h, x, y + h]
            annotations.append(
                {"id": 2 * number + kind, "image_id": number, "category_id": (4, 9)[kind],
                 "bbox": [x, y, w, h], "segmentation": [outline]}
            )  # fmt: skip
        save(scene, root / part / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 48, "width": 64})
    categories = [{"id": 4, "name": "square"}, {"id": 9, "name": "bar"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    file = root / "annotations" / f"instances_{part}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))


def pixels(number: int, height: int, width: int, kind: int = 0) -> Pixels:
    """Returns a picture h w 3 of twelve colours under noise, redder or greener by its class."""
    draw = np.random.default_rng(number)
    rows, columns = np.arange(height) * 3 // height, np.arange(width) * 4 // width
    large = draw.integers(0, 160, (3, 4, 3))[rows][:, columns]
    picture = large + draw.integers(0, 40, (height, width, 3))
    picture[..., kind] += 50
    return picture.astype(np.uint8)


def blocks() -> Pixels:
    """Returns a label map h w whose every block of 6 x 5 pixels has a number of its own."""
    rows, columns = np.mgrid[:60, :80]
    return (rows // 6 * 16 + columns // 5).astype(np.uint8)


def save(pixels: Pixels, path: Path) -> None:
    """Writes an image, and the folder it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def numbers(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Returns parts of what ``golden.json`` holds.

    Args:
        names: Those of trainings, ``draws`` or ``colours``.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        make_data(root)
        found = {"pretrain": run("pretrain", root)} if {*RUNS, *VARIANTS} & {*names} else {}
        for name in names:
            if name in DRAWN:
                found[name] = DRAWN[name](root)
            elif name not in found:
                found[name] = run(name, root)
    return {name: found[name] for name in names}


def written(found: dict[str, dict[str, Any]]) -> str:
    """Returns the text of ``golden.json``, a line for each list of numbers."""
    parts = []
    for name, values in found.items():
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(x)}" for key, x in values.items())
        parts.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    torch.set_num_threads(1)
    file, sys.stdout = sys.stdout, sys.stderr
    file.write(written(numbers(sys.argv[1:] or [*QUICK, *VARIANTS])))
