"""Every command that a page prints is one; those that need no download run on small images."""

import argparse
import importlib
import json
import shlex
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from fcmae.checkpoint.weights import save_weights
from fcmae.cli.commands import COMMANDS
from fcmae.cli.launch.launchable import check_launchable
from fcmae.cli.main import find_command, main
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import architecture
from fcmae.options.fields import fields_of
from printed import ROOT, Printed, printed

ALL = printed()
OF_FCMAE = [command for command in ALL if "fcmae" in command.words]
OF_SCRIPTS = [x for x in ALL if x.words[0] == "python" and x.words[1].startswith("benchmarks/")]
TOY = {
    "size": "64", "optim.epochs": "1", "optim.warmup_epochs": "0", "optim.batch_size": "4",
    "loader.workers": "0", "run.device": "cpu", "run.precision": "float32",
    "run.batch_size": "4", "head.proposals": "16", "head.width": "16", "images": "4",
    "head.auxiliary_width": "16", "monitor.images": "4", "monitor.pictures": "1", "model": "atto",
    "augment.short_side": "60", "labels_per_class": "2", "tiles.size": "64", "batch_size": "1",
    "batches": "2", "rounds": "1", "repeats": "1", "ratio": "0.75",
}  # fmt: skip
"""What makes a command of a page small, where it has the option."""
AS_PRINTED = {("cost", "batch_size"), ("cost", "model"), ("finetune detect", "augment.short_side")}
ONLY_SAID = {"repeats", "tiles.size", "model", "labels_per_class", "ratio"}
"""Options of ``TOY`` that stand in place of a page's own, but are not put where it has none."""
ELSEWHERE = {
    "docs/start-from-published-weights.md": "test_published_weights_page.py",
    "docs/use-your-weights-elsewhere.md": "test_export_page.py",
    "docs/compare-with-other-models.md": "test_compare_page.py",
    "docs/ablate.md": "test_plans.py",
    "docs/scale.md": "test_launch.py",
}
"""Pages whose commands run in tests of their own."""
OTHERS = {"demo", "ablate", "launch"}
"""Commands that have tests of their own, and no options that would make them small."""


def of_fcmae(command: Printed) -> tuple[str, ...]:
    """What comes after the name of the program, also where torchrun starts it."""
    return command.words[command.words.index("fcmae") + 1 :]


def runs_here(command: Printed) -> bool:
    """False if a command is not whole, needs a download, or is run by tests of its own."""
    name = " ".join(of_fcmae(command))
    whole = command.kind == "line" or (command.kind == "options" and name.startswith("bench"))
    other = command.page in ELSEWHERE or name.split(" ")[0] in OTHERS
    return whole and not other and not any(":" in word for word in command.words)


def test_there_are_commands_on_the_pages() -> None:
    assert len(OF_FCMAE) > 60
    assert len(OF_SCRIPTS) > 10


@pytest.mark.parametrize("command", [x for x in OF_FCMAE if x.kind != "name"], ids=str)
def test_a_printed_command_has_options_that_there_are(
    command: Printed, capsys: pytest.CaptureFixture[str]
) -> None:
    name, words = find_command(list(of_fcmae(command)))
    assert main([*name.split(), "--print-config", *words]) == 0, capsys.readouterr().err
    if command.kind == "line":
        assert "Still to be given" not in capsys.readouterr().out
    if name == "launch" and "--" in words:
        check_launchable(words[words.index("--") + 1 :])


@pytest.mark.parametrize("command", [x for x in ALL if x.words[0] == "fcmae"], ids=str)
def test_a_command_that_is_named_is_one(command: Printed) -> None:
    named = " ".join(word for word in command.words[1:3] if not word.startswith("-"))
    assert any(known == named.split()[0] or known.startswith(named) for known in COMMANDS)


class Understood(Exception):  # noqa: N818 - nothing is wrong
    """A script has read its options."""


@pytest.mark.parametrize("command", OF_SCRIPTS, ids=str)
def test_a_printed_line_of_a_benchmark_has_options_that_there_are(
    command: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = argparse.ArgumentParser.parse_args

    def stop(parser: argparse.ArgumentParser) -> None:
        parse(parser)
        raise Understood

    script = Path(command.words[1])
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    for other in (ROOT / "benchmarks").glob("*.py"):  # and not what other tests have imported
        monkeypatch.delitem(sys.modules, other.stem, raising=False)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", [script.name, *command.words[2:]])
    if script.stem == "pictures":  # it has none
        assert len(command.words) == 2
        return
    with pytest.raises(Understood):
        importlib.import_module(script.stem).main()


@pytest.fixture(scope="module")
def supposed(places: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the pages suppose, and the runs of the README in it."""
    root = tmp_path_factory.mktemp("project")
    for name in ("labelled", "satellite", "classify"):
        (root / name).symlink_to(places.labelled)
    photos = root / "photos"
    photos.mkdir()
    for path in sorted((places.labelled / "train").rglob("*.png")):
        Image.open(path).convert("RGB").save(photos / f"{path.stem}.jpg")
    files = sorted(places.labelled.rglob("*.png"))
    (root / "pool.txt").write_text("\n".join(map(str, files)))
    rows = [f"{path},{'val' if i % 3 == 0 else 'train'},{i % 2}" for i, path in enumerate(files)]
    (root / "values.csv").write_text("\n".join(["path,split,cloudy", *rows]))
    scenes_of(root / "scenes")
    objects_of(root / "data")
    for name in ("pets", "camvid"):
        (root / name).symlink_to(root / "scenes")
    for name in ("balloon", "nuclei"):
        (root / name).symlink_to(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for command in OF_FCMAE:
            trains = command.kind == "line" and command.words[1] in ("pretrain", "finetune")
            if trains and command.page == "README.md":
                assert main(small(of_fcmae(command))) == 0
    labels = root / "runs" / "labels" / "pretrain-atto"
    labels.mkdir(parents=True)
    shape = {"size": [64, 64], "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}
    save_weights(labels / "weights.safetensors", Autoencoder(architecture("atto", stem=2)), shape)
    return root


@pytest.fixture
def project(page: str, supposed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of that folder for a page, with the names in capitals that it uses."""
    root = tmp_path / "project"
    without = shutil.ignore_patterns("checkpoints", "tensorboard")
    shutil.copytree(supposed, root, symlinks=True, ignore=without)
    monkeypatch.chdir(root)
    shutil.copytree("runs/pretrain", "runs/pool")
    for out in outputs_of(page):  # which the page makes itself
        shutil.rmtree(out, ignore_errors=True)
    links = {"RUN": "runs/pretrain", "PRETRAINED": "runs/pretrain", "FINETUNED": "runs/classify"}
    links["DATA"] = "data" if "detection" in page else "labelled"
    for name in links.keys() - outputs_of(page):
        Path(name).symlink_to(links[name])


def outputs_of(page: str) -> set[str]:
    """Where the commands of a page write."""
    words = [x.words for x in OF_FCMAE if x.page == page]
    return {after for line in words for word, after in pairwise(line) if word == "--out"}


def scenes_of(root: Path) -> None:
    """Bright squares on dark ground, with their masks."""
    draw = np.random.default_rng(0)
    for part, count in (("train", 4), ("val", 2)):
        for number in range(count):
            mask = np.zeros((70, 90), dtype=np.uint8)
            mask[10:40, 20:60] = 1
            picture = (60 + 120 * mask)[..., None] + draw.normal(0, 12, (70, 90, 3))
            for kind, pixels in (("images", picture.clip(0, 255)), ("masks", mask)):
                path = root / kind / part / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(path)
    (root / "classes.txt").write_text("ground\nsquare\n")


def objects_of(root: Path) -> None:
    """The same in the way of COCO."""
    for part, count in (("train", 4), ("val", 2)):
        content: dict[str, list[dict[str, object]]] = {
            "images": [], "annotations": [], "categories": [{"id": 1, "name": "square"}],
        }  # fmt: skip
        (root / part).mkdir(parents=True)
        for number in range(count):
            picture = np.full((64, 64, 3), 90, dtype=np.uint8)
            picture[8:24, 6:22] = 250
            Image.fromarray(picture).save(root / part / f"{number}.png")
            content["images"].append(
                {"id": number, "file_name": f"{number}.png", "height": 64, "width": 64}
            )
            corners = [6, 8, 22, 8, 22, 24, 6, 24]
            content["annotations"].append(
                {"id": number, "image_id": number, "category_id": 1, "bbox": [6, 8, 16, 16],
                 "segmentation": [corners]}
            )  # fmt: skip
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))


def small(words: tuple[str, ...]) -> list[str]:
    """The command with the values of ``TOY``."""
    name, rest = find_command(list(words))
    known = fields_of(COMMANDS[name].options)
    kept, said = [], set[str]()
    for word in rest:
        if word.startswith("--"):
            said.add(word[2:])
            leave_out = word[2:] in TOY and (name, word[2:]) not in AS_PRINTED
        elif not kept and not said:
            leave_out = False
        if not leave_out:
            kept.append(word)
    toy = [
        (f"--{option}", value)
        for option, value in TOY.items()
        if option in known
        and (name, option) not in AS_PRINTED
        and (option in said or option not in ONLY_SAID)
    ]
    return [*name.split(), *kept, *(word for pair in toy for word in pair)]


@pytest.mark.full
@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("page", sorted({x.page for x in OF_FCMAE if runs_here(x)}))
def test_the_commands_of_a_page_run_one_after_the_other(
    page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = 0
    for command in [x for x in OF_FCMAE if x.page == page and runs_here(x)]:
        words = small(of_fcmae(command))
        assert main(words) == 0, f"{shlex.join(words)}: {capsys.readouterr().err}"
        ran += 1
    assert ran > 0
