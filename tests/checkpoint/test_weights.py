import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from fcmae.checkpoint.header import read_card, read_header
from fcmae.checkpoint.weights import load_into, load_model, save_weights
from fcmae.errors import CheckpointError, NonFiniteError
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture, DecoderOptions

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8), stem=1)


def autoencoder() -> Autoencoder:
    return Autoencoder(SMALL, decoder=DecoderOptions(width=8))


def classifier() -> Classifier:
    return Classifier(SMALL, num_classes=3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "weights.safetensors"
    save_weights(path, classifier(), {"classes": ["cat", "dog", "eel"]})
    return path


@pytest.mark.parametrize("make", [autoencoder, classifier, lambda: Encoder(SMALL)])
def test_a_file_alone_gives_back_the_model(tmp_path: Path, make: Callable[[], nn.Module]) -> None:
    model = make()
    path = tmp_path / "weights.safetensors"
    save_weights(path, model, {"note": 1})
    loaded, card = load_model(path)
    assert type(loaded) is type(model)
    assert not loaded.training
    assert card.more == {"note": 1}
    assert_close(loaded.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_a_run_directory_stands_for_its_weights(path: Path) -> None:
    _, card = load_model(path.parent)
    assert card.classes == ("cat", "dog", "eel")
    assert read_header(path.parent).path == path
    assert list(path.parent.iterdir()) == [path]


def test_a_card_is_read_without_pytorch(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fcmae.checkpoint.header import read_card;"
        f"print(read_card(Path({str(path)!r})).classes[2], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "eel False\n"


def test_a_path_without_weights_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="none does not exist: give the folder of a run"):
        read_card(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"holds no weights.safetensors, which a run writes"):
        read_card(tmp_path)


def test_files_of_other_things_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "vit.safetensors"
    save_file({"blocks.0.attn.qkv.weight": torch.ones(2)}, path)
    with pytest.raises(CheckpointError, match=r"no ConvNeXt in a form that is known .*blocks\.0"):
        load_model(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a safetensors file"),
        (b"\x80\x02}q\x00.", "is a bare pickle or a file of PyTorch before 1.6"),
        (b"PK\x03\x04" + bytes(100), "is damaged: File is not a zip file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not a safetensors file"),
        (struct.pack("<Q", 50) + b"{}", "is truncated, or not"),
        (struct.pack("<Q", 2**60) + b"{}", "is not a safetensors file"),
        (struct.pack("<Q", 4) + b"[[]]", "is not a safetensors file"),
        (struct.pack("<Q", 4) + b"\xff\xff\xff\xff", "is not a safetensors file"),
        (struct.pack("<Q", 11) + b'{"a": "bc"}', "is not a safetensors file"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=says):
        load_model(path)


def test_truncation_at_any_place_is_seen(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 997):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            read_card(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(CheckpointError, match="longer than its header says"):
        read_card(path)


def test_what_is_not_finite_is_neither_written_nor_read(tmp_path: Path) -> None:
    model, path = classifier(), tmp_path / "weights.safetensors"
    model.head.bias.data[1] = float("nan")
    with pytest.raises(NonFiniteError, match=r"head\.bias holds NaN"):
        save_weights(path, model, {})
    assert not path.exists()
    card = json.dumps({"model": _description(tmp_path)})
    save_file(model.state_dict(), path, {"fcmae": card})
    with pytest.raises(CheckpointError, match=r"NaN or infinity in head\.bias"):
        load_model(path)


def test_a_file_that_lies_about_its_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    tensors = classifier().state_dict()
    del tensors["norm.bias"]
    tensors["head.weight"] = torch.zeros(4, 8)
    tensors["more"] = torch.zeros(1)
    save_file(tensors, path, {"fcmae": json.dumps({"model": _description(tmp_path)})})
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    assert str(caught.value).endswith(
        "does not fit its own model: head.weight has shape [4, 8] instead of [3, 8], norm.bias is "
        "missing, more is not in the model."
    )
    save_file(tensors, path, {"fcmae": json.dumps({"model": {"kind": "vit"}})})
    with pytest.raises(CheckpointError, match="needs another version of fcmae"):
        load_model(path)


def test_an_encoder_moves_from_pre_training_to_a_classifier(tmp_path: Path) -> None:
    pretrained, model = autoencoder(), classifier()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    save_weights(tmp_path / "weights.safetensors", pretrained, {})
    report = load_into(model, tmp_path)
    assert_close(model.encoder.state_dict(), pretrained.encoder.state_dict(), rtol=0, atol=0)
    assert_close(model.head.weight.data, before["head.weight"], rtol=0, atol=0)
    assert report.new == ["norm.weight", "norm.bias", "head.weight", "head.bias"]
    assert set(report.names("taken")) == {n for n in before if n.startswith("encoder.")}
    dropped = {n for n in pretrained.state_dict() if "decoder." in n}
    assert set(report.names("dropped")) == dropped


def test_a_bare_encoder_gives_and_takes_too(tmp_path: Path) -> None:
    encoder, model = Encoder(SMALL), classifier()
    save_weights(tmp_path / "weights.safetensors", encoder, {})
    load_into(model, tmp_path)
    assert_close(model.encoder.state_dict(), encoder.state_dict(), rtol=0, atol=0)
    save_weights(tmp_path / "weights.safetensors", classifier(), {})
    report = load_into(encoder, tmp_path)
    assert report.new == []
    assert {name.split(".")[0] for name in report.names("dropped")} == {"norm", "head"}


def test_another_encoder_is_refused_with_what_differs(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.safetensors", autoencoder(), {})
    other = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8), stem=2)
    with pytest.raises(CheckpointError) as caught:
        load_into(Classifier(other, num_classes=3), tmp_path)
    assert (
        "holds another encoder: encoder.stem.weight has shape [4, 3, 1, 1] instead of [4, 3, 2, 2]"
        in (str(caught.value))
    )


def _description(folder: Path) -> dict[str, object]:
    path = folder / "good.safetensors"
    save_weights(path, classifier(), {})
    description: dict[str, object] = read_card(path).model
    return description
