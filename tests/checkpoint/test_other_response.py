"""GRN in pre-training only, in fine-tuning only, or in both (table 2f of the paper)."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from fcmae.checkpoint.weights import load_into, load_model, save_weights
from fcmae.errors import CheckpointError
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.grn_options import Response
from fcmae.model.options import Architecture, DecoderOptions

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8), stem=1)
GRN, NONE, SE, L1 = (
    Response(),
    Response(kind="none"),
    Response(kind="se"),
    Response(aggregation="l1"),
)


def saved(path: Path, response: Response) -> Path:
    model = Autoencoder(replace(SMALL, grn=response), decoder=DecoderOptions(width=8))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    save_weights(path, model, {})
    return path


@pytest.mark.parametrize(
    ("before", "after", "dropped", "new"),
    [(GRN, NONE, 8, 0), (NONE, GRN, 0, 8), (GRN, SE, 8, 16), (SE, GRN, 16, 8), (GRN, L1, 8, 8)],
    ids=["dropped", "added", "to-se", "from-se", "to-l1"],
)
def test_exactly_the_response_is_left_out_or_made_anew(
    tmp_path: Path, before: Response, after: Response, dropped: int, new: int
) -> None:
    path = saved(tmp_path / "weights.safetensors", before)
    model = Classifier(replace(SMALL, grn=after), num_classes=2)
    drawn = {name: x.clone() for name, x in model.state_dict().items()}
    report = load_into(model, path)
    assert len([n for n in report.names("dropped") if n.startswith("encoder.")]) == dropped
    assert all(".grn." in n for n in report.names("dropped") if n.startswith("encoder."))
    fresh = [name for name in report.new if name.startswith("encoder.")]
    assert len(fresh) == new
    assert all(".grn." in name for name in fresh)
    told = "\n".join(report.lines())
    assert ("grn is another one here" in told) == (dropped > 0)
    file = load_file(path)
    for name, x in model.state_dict().items():
        if name.startswith("encoder."):
            assert_close(x, drawn[name] if ".grn." in name else file[name], rtol=0, atol=0)


@pytest.mark.parametrize(("stages", "other"), [((1, 2, 3), {4}), ((4,), {1, 2, 3})])
def test_stages_that_keep_grn_keep_what_it_learned(
    tmp_path: Path, stages: tuple[int, ...], other: set[int]
) -> None:
    some = Response(stages=stages)
    for before, after in ((GRN, some), (some, GRN)):
        path = saved(tmp_path / "weights.safetensors", before)
        model = Encoder(replace(SMALL, grn=after))
        report = load_into(model, path)
        named = [*report.names("dropped"), *report.new]
        of_grn = [name for name in named if ".grn." in name and "decoder" not in name]
        assert {int(name.split(".")[2]) + 1 for name in of_grn} == other
        assert len(of_grn) == 2 * len(other)
        file = load_file(path)
        for stage in set(range(1, 5)) - other:
            for part in ("gamma", "beta"):
                name = f"stages.{stage - 1}.0.grn.{part}"
                assert_close(model.state_dict()[name], file[f"encoder.{name}"], rtol=0, atol=0)


def test_a_model_of_the_same_response_takes_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "weights.safetensors", SE)
    model = Encoder(replace(SMALL, grn=SE))
    report = load_into(model, path)
    assert not report.new
    assert all(name.startswith("decoder.") for name in report.names("dropped"))


@pytest.mark.parametrize("response", [GRN, NONE], ids=["same", "another"])
def test_everything_else_stays_strict(tmp_path: Path, response: Response) -> None:
    path = saved(tmp_path / "weights.safetensors", GRN)
    other = replace(SMALL, dims=(4, 4, 8, 12), grn=response)
    with pytest.raises(CheckpointError, match="holds another encoder"):
        load_into(Encoder(other), path)
    if response == NONE:
        with pytest.raises(CheckpointError, match=r"scale.weight is missing"):
            load_into(Encoder(replace(SMALL, version=1)), saved(path, NONE))


def changed(path: Path, **grn: str) -> Path:
    """The same file, whose card speaks of another response."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    card = json.loads(metadata["fcmae"])
    card["model"]["architecture"]["grn"].update(grn)
    save_file(load_file(path), path, {**metadata, "fcmae": json.dumps(card)})
    return path


def test_a_card_that_its_tensors_do_not_bear_out_is_refused(tmp_path: Path) -> None:
    path = changed(saved(tmp_path / "weights.safetensors", GRN), kind="se")
    with pytest.raises(CheckpointError, match=r"does not fit its own model: .*grn\.gate.*missing"):
        load_model(path)
    path = changed(saved(tmp_path / "weights.safetensors", GRN), kind="of-tomorrow")
    with pytest.raises(CheckpointError, match=re.escape("needs another version of fcmae")):
        load_model(path)
