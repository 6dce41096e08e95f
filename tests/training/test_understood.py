"""Every training says what it understood of its images before it begins."""

from pathlib import Path

from PIL import Image

from fcmae.data.held_out import few_labels, hold_out
from fcmae.data.listing import find_images
from fcmae.engine.report import Silent
from fcmae.optim.options import Optim
from fcmae.setup.understood import understood
from fcmae.training.classification import FinetuneClassify
from fcmae.training.run import prepare


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


def classes(root: Path, **counts: int) -> Path:
    """Class folders with so many different pictures each."""
    for place, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for number in range(count):
            colour = (number, 10 * place, 0)
            picture = Image.new("RGB", (40, 40), colour)
            picture.paste((90, 90, 90), (0, 0, 20, 20))
            picture.save(root / name / f"{number}.png")
    return root


def heard_before(data: Path) -> list[str]:
    reporter = Heard()
    optim = Optim(batch_size=2, epochs=1)
    prepare(FinetuneClassify(data=data, out=data / "run", size=32, optim=optim), reporter)
    return reporter.texts


def test_nothing_is_said_of_a_plain_folder(tmp_path: Path) -> None:
    (classes(tmp_path, cat=4, dog=4) / "cat/.DS_Store").write_bytes(b"x")
    assert heard_before(tmp_path) == []


def test_files_left_out_are_counted_and_the_first_named(tmp_path: Path) -> None:
    classes(tmp_path, cat=4, dog=4)
    for number in range(2):
        (tmp_path / "cat" / f"gone{number}.png").symlink_to("nowhere")
    told = "2 files are left out, such as cat/gone0.png (a link to nothing)."
    assert heard_before(tmp_path) == [told]


def test_shares_of_images_still_tell_what_was_left_out_of_the_whole(tmp_path: Path) -> None:
    classes(tmp_path, cat=4, dog=4)
    (tmp_path / "cat/gone.png").symlink_to("nowhere")
    train, val = hold_out(find_images(tmp_path, labels=True), 0.25)
    assert list(understood(few_labels(train, 2, seed=0), val)) == [
        "1 file is left out: cat/gone.png (a link to nothing)."
    ]
