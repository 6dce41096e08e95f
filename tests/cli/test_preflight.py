"""What cannot be used is known before PyTorch is imported, and nothing else is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from fcmae.checkpoint.weights import save_weights
from fcmae.cli.main import main
from fcmae.data.options import Loader
from fcmae.errors import DataError
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.setup.preflight import TRIED, check_pictures
from fcmae.setup.sources import find_all


def folder(root: Path, usable: int, damaged: int) -> Path:
    """Damaged images, and behind them in the order of names those that can be used."""
    for number in range(damaged):
        (root / f"a{number:04}.png").write_bytes(b"not a picture")
    for number in range(usable):
        Image.new("RGB", (8, 8)).save(root / f"b{number:04}.png")
    return root


@pytest.mark.parametrize(("usable", "damaged"), [(1, 0), (1, 40), (1, TRIED - 1), (20, 10 * TRIED)])
def test_damaged_images_in_front_do_not_keep_from_using_others(
    usable: int, damaged: int, tmp_path: Path
) -> None:
    images = find_all([folder(tmp_path, usable, damaged)])
    check_pictures(images, loader=Loader(), channels=3)


@pytest.mark.parametrize(
    ("damaged", "number"),
    [(1, "1 image"), (9, "9 images"), (100, "64 images that were tried, of 100 images")],
)
def test_images_of_which_none_can_be_used_are_refused(
    damaged: int, number: str, tmp_path: Path
) -> None:
    images = find_all([folder(tmp_path, 0, damaged)])
    with pytest.raises(DataError) as raised:
        check_pictures(images, loader=Loader(), channels=3)
    assert f"no image can be used ({number}), such as {tmp_path}/a" in str(raised.value)


@pytest.mark.parametrize(
    "words",
    [
        "predict classify --data {data} --out {out}.csv --weights {weights}",
        "evaluate classify --data {labelled} --weights {weights}",
        "embed --data {data} --out {out}.csv --weights {weights}",
        "analyze {weights} --data {labelled} --out {out}",
    ],
)
def test_where_weights_decide_about_channels_no_option_is_named(
    words: str, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "six.safetensors"
    shape = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8), channels=6)
    net = Classifier(shape, num_classes=2)
    facts = {"size": [64, 64], "mean": [0.5] * 6, "std": [0.2] * 6, "classes": list(places.classes)}
    save_weights(weights, net, facts)
    line = words.format(
        data=places.flat, labelled=places.labelled, out=tmp_path / "out", weights=weights
    )
    assert main(line.split()) == DataError.exit_code
    said = capsys.readouterr().err
    assert "--encoder.channels" not in said
    assert (
        "its channels is 3, but the model takes 6. The weights were made for 6 channels: --adapt "
        "of `fcmae finetune` and `fcmae pretrain` makes some for others of them, and load(..., "
        "channels=..., adapt=...) does in Python; `fcmae check` names"
    ) in said
