"""Files of other libraries: read without running anything, whole, and with every tensor told."""

import argparse
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.testing import assert_close
from written import sparse

from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.header import read_header
from fcmae.checkpoint.weights import load_into, load_model, save_weights
from fcmae.errors import CheckpointError
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture
from fcmae.model.pyramid import Pyramid

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))


@pytest.fixture
def model() -> Classifier:
    return Classifier(SMALL, num_classes=3).eval()


@pytest.mark.parametrize("wrapper", ["model", "state_dict", "model_ema", "module", None])
def test_a_training_checkpoint_gives_its_model(
    tmp_path: Path, model: Classifier, wrapper: str | None
) -> None:
    state = FORMATS["official"].write(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(1, 3, 32, 32)).sum().backward()
    optimizer.step()
    state = FORMATS["official"].write(model.state_dict())
    content = {wrapper: OrderedDict(state)} if wrapper else OrderedDict(state)
    if wrapper:
        content |= {
            "optimizer": optimizer.state_dict(),
            "args": argparse.Namespace(lr=1e-3, data=Path("x"), betas=(0.9, 0.95)),
            "epoch": 3,
            "scaler": {"scale": 2.0},
        }
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path)
    loaded, _ = load_model(path)
    assert_close(loaded.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_a_transposed_or_shared_storage_and_half_precision_are_read(
    tmp_path: Path, model: Classifier
) -> None:
    state = FORMATS["timm"].write(model.state_dict())
    state["head.fc.weight"] = state["head.fc.weight"].T.contiguous().T
    both = torch.cat([state["head.norm.weight"], state["head.norm.bias"]])
    state["head.norm.weight"], state["head.norm.bias"] = both[:8], both[8:]
    state["stem.0.weight"] = torch.nn.Parameter(state["stem.0.weight"].half().float())
    torch.save(state, tmp_path / "weights.pt")
    torch.save({n: x.half() for n, x in state.items()}, tmp_path / "half.bin")
    save_file({n: x.bfloat16().contiguous() for n, x in state.items()}, tmp_path / "b.safetensors")
    loaded, _ = load_model(tmp_path / "weights.pt")
    assert_close(loaded.head.weight.data, model.head.weight.data, rtol=0, atol=0)
    assert_close(loaded.norm.weight.data, model.norm.weight.data, rtol=0, atol=0)
    half = load_model(tmp_path / "half.bin")[0].state_dict()
    assert_close(half, {n: x.half().float() for n, x in model.state_dict().items()})
    bits = load_model(tmp_path / "b.safetensors")[0].state_dict()
    assert all(x.dtype == torch.float32 for x in (*half.values(), *bits.values()))


def test_the_header_needs_no_pytorch(tmp_path: Path, model: Classifier) -> None:
    import subprocess

    torch.save({"model": FORMATS["timm"].write(model.state_dict())}, tmp_path / "a.pt")
    code = (
        "import sys; from pathlib import Path; from fcmae.checkpoint.header import read_header;"
        f"print(read_header(Path({str(tmp_path / 'a.pt')!r})).card.num_outputs,"
        "'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3 False\n"


def test_one_of_two_nets_is_chosen_by_its_prefix(tmp_path: Path, model: Classifier) -> None:
    state = FORMATS["official"].write(model.state_dict())
    average = {name: x + 1 for name, x in state.items()}
    path = tmp_path / "both.pth"
    torch.save({"model": state, "model_ema": average}, path)
    with pytest.raises(CheckpointError, match=r"say which, as in FILE#model_ema"):
        read_header(path)
    header = read_header(path, part="model_ema")
    loaded, _ = load_model(header)
    assert_close(loaded.head.bias.data, model.head.bias.data + 1, rtol=0, atol=0)
    report = load_into(loaded, header)
    assert {e.why for e in report.entries if e.how == "dropped"} == {"not in the part model_ema"}


@pytest.mark.parametrize("where", ["archive", "safetensors"])
def test_weights_that_are_not_finite_are_refused(
    tmp_path: Path, model: Classifier, where: str
) -> None:
    model.head.bias.data[1] = float("nan")
    state, path = FORMATS["timm"].write(model.state_dict()), tmp_path / "weights"
    torch.save(state, path) if where == "archive" else save_file(state, path)
    with pytest.raises(CheckpointError, match=r"holds NaN or infinity in head\.bias"):
        load_model(path)


def test_any_changed_byte_of_an_archive_is_seen(tmp_path: Path, model: Classifier) -> None:
    path = tmp_path / "weights.pt"
    torch.save(FORMATS["timm"].write(model.state_dict()), path)
    whole = path.read_bytes()
    place = whole.index(model.head.weight.detach().numpy().tobytes())
    for offset in (place, place + 17):
        changed = bytearray(whole)
        changed[offset] ^= 1
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match=r"is damaged: Bad CRC-32"):
            load_model(path)
    for length in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load_model(path)


def test_every_tensor_is_told(tmp_path: Path, model: Classifier) -> None:
    path = tmp_path / "a.pt"
    torch.save({"model": FORMATS["timm"].write(model.state_dict()), "more": torch.ones(2)}, path)
    target = Classifier(Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8)), num_classes=9)
    before = target.head.weight.clone()
    report = load_into(target, path)
    assert len(report.entries) == len(model.state_dict()) + 1
    assert report.names("dropped") == ["model.head.fc.weight", "model.head.fc.bias", "more"]
    assert report.new == ["head.weight", "head.bias"]
    assert report.names("reshaped") == []
    assert "stem.0.weight" not in report.names("taken")
    lines = "\n".join(report.lines())
    assert "head.weight has shape [3, 8] instead of [9, 8]" in lines
    assert "dropped: more (not part of the net under model.)" in lines
    assert lines.endswith("new: head.weight, head.bias")
    assert_close(target.head.weight, before, rtol=0, atol=0)
    assert_close(target.norm.state_dict(), model.norm.state_dict(), rtol=0, atol=0)


def test_a_head_that_fits_is_taken_unless_a_new_one_is_asked_for(
    tmp_path: Path, model: Classifier
) -> None:
    save_weights(tmp_path / "weights.safetensors", model, {})
    target = Classifier(SMALL, num_classes=3)
    assert load_into(target, tmp_path, without=("head",)).new == ["head.weight", "head.bias"]
    assert not torch.equal(target.head.weight, model.head.weight)
    assert load_into(target, tmp_path).new == []
    assert_close(target.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_a_decoder_moves_along_where_it_fits(tmp_path: Path) -> None:
    torch.save({"model": sparse()}, tmp_path / "a.pth")
    source, _ = load_model(tmp_path / "a.pth")
    fits = Autoencoder(source.encoder.architecture, decoder=source.decoder.options)
    assert load_into(fits, tmp_path / "a.pth").new == []
    assert_close(fits.state_dict(), source.state_dict(), rtol=0, atol=0)
    other = Autoencoder(source.encoder.architecture)
    report = load_into(other, tmp_path / "a.pth")
    assert {name.split(".")[0] for name in report.new} == {"decoder"}


def test_pyramids_are_saved_and_loaded(tmp_path: Path) -> None:
    pyramid = Pyramid(Encoder(SMALL), stages=(1, 2))
    torch.nn.init.normal_(pyramid.norms["2"].weight)
    save_weights(tmp_path / "weights.safetensors", pyramid, {})
    loaded, _ = load_model(tmp_path)
    assert isinstance(loaded, Pyramid)
    assert_close(loaded.state_dict(), pyramid.state_dict(), rtol=0, atol=0)


def test_facts_of_our_exports_come_back_and_lies_do_not(tmp_path: Path, model: Classifier) -> None:
    state, path = FORMATS["timm"].write(model.state_dict()), tmp_path / "a.safetensors"
    facts = {
        "classes": '["cat", "dog", "eel"]',
        "size": "[64, 96]",
        "mean": "[0.1, 0.2, 0.3]",
        "std": "[0.1, 0.2, 0.0]",
        "licence": "CC0",
        "lineage": '[{"source": "x", "licence": null}]',
    }
    save_file(state, path, facts)
    card = read_header(path).card
    assert card.classes == ("cat", "dog", "eel")
    assert card.size == (64, 96)
    assert card.licence == "CC0"
    assert card.lineage == ({"source": "x", "licence": None},)
    assert card.std is None
    save_file(state, path, {"classes": '["cat", "dog"]', "size": "[0, 3]", "licence": "a\nb"})
    assert set(read_header(path).card.to_json()) == {"format", "model"}
    torch.save({"model": state, "facts": {"size": (32, 32), "mean": [0.5] * 3}}, path)
    assert read_header(path).card.size == (32, 32)


def test_classes_of_one_name_get_their_numbers(tmp_path: Path, model: Classifier) -> None:
    path = tmp_path / "a.safetensors"
    facts = {"classes": '["crane", "eel", "crane"]'}
    save_file(FORMATS["timm"].write(model.state_dict()), path, facts)
    assert read_header(path).card.classes == ("crane (0)", "eel", "crane (2)")


def test_a_whole_timm_model_computes_the_same_here(tmp_path: Path) -> None:
    other = timm.create_model("convnextv2_atto", num_classes=4).eval()
    for name, parameter in other.named_parameters():
        if "grn" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    torch.save(other.state_dict(), tmp_path / "a.pth")
    loaded, _ = load_model(tmp_path / "a.pth")
    images = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        assert_close(loaded(images), other(images), rtol=1e-5, atol=1e-5)
