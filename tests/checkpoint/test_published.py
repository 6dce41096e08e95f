"""Published weights by name: fetched whole and unchanged, or not at all."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from serving import Answer, Server, serving
from torch.testing import assert_close

from fcmae.checkpoint import download, hub, published, published_names
from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.published import HUGGING_FACE, OFFICIAL_FILES, TIMM
from fcmae.checkpoint.published_names import named
from fcmae.checkpoint.resolve import resolve
from fcmae.checkpoint.weights import load_model, save_weights
from fcmae.errors import CheckpointError
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))
FILE = "/convnextv2/pt_only/convnextv2_atto_1k_224_fcmae.pt"
NAME = "official:atto-fcmae"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setattr(published_names, "OFFICIAL", f"{server.url}/")
        yield server


@pytest.fixture
def hub_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    return server


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(cache=tmp_path / "cache")


def weights(format: str = "official", bias: float = 0.0) -> bytes:
    model = Encoder(SMALL)
    model.stem.bias.data.fill_(bias)
    state = FORMATS[format].write(model.state_dict(prefix="encoder."))
    file = io.BytesIO()
    torch.save({"model": state}, file)
    return file.getvalue()


def safetensors(tmp_path: Path) -> bytes:
    from safetensors.torch import save

    return bytes(save(FORMATS["timm"].write(Classifier(SMALL, num_classes=2).state_dict())))


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_official_file_is_fetched_once_and_remembered(server: Server, source: Source) -> None:
    content = weights()
    server.answers[FILE] = Answer(content=content)
    found = resolve(NAME, source)
    assert found.licences == ["CC-BY-NC-4.0"]
    assert found.lineage == [
        {
            "source": NAME,
            "format": "official",
            "sha256": hashlib.sha256(content).hexdigest(),
            "licence": "CC-BY-NC-4.0",
        }
    ]
    assert found.header.card.size == (224, 224)
    model, _ = load_model(found.header)
    assert isinstance(model, Encoder)
    resolve(NAME, Source(cache=source.cache, offline=True))
    resolve(NAME, source)
    assert server.asked == [f"GET {FILE}"]


BAD = {
    "wrong hash": (Answer(content=weights()), r"SHA-256 is [0-9a-f]{64} instead of 0{64}"),
    "truncated": (Answer(content=weights()[:5000], length=6000), r"5,000 bytes came instead of 6,"),
    "cut and consistent": (Answer(content=weights()[:5000]), "is damaged: File is not a zip file"),
    "redirect": (
        Answer(status=302, headers={"Location": "https://elsewhere.example/x.pt"}),
        "redirects to 'https://elsewhere.example/x.pt'",
    ),
    "oversized": (Answer(content=b"x", length=2**50), "bytes, more than 8,589,934,592"),
    "of no length": (Answer(content=weights(), length=-1), "does not say how long it is"),
    "a web page": (Answer(content=b"<html>", kind="text/html"), "is a web page, not weights"),
    "a web page in disguise": (Answer(content=b"<html>" * 50), "is not a safetensors file"),
    "missing": (Answer(status=404), "404 Not Found"),
    "broken": (Answer(status=503), "503 Service Unavailable"),
    "a net of another kind": (
        Answer(content=weights().replace(b"dwconv", b"dwc0nv")),
        "damaged|holds no ConvNeXt",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_refused_and_leaves_nothing(
    server: Server, source: Source, case: str
) -> None:
    answer, says = BAD[case]
    server.answers[FILE] = answer
    if case == "wrong hash":
        source = Source(cache=source.cache, sha256="0" * 64)
    with pytest.raises(CheckpointError, match=says) as caught:
        resolve(NAME, source)
    assert "\n" not in str(caught.value)
    assert left(source.folder) == []


def test_a_server_that_sends_more_than_it_said_is_cut_off(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = Answer(content=bytes(4000), length=2000)
    path = tmp_path / "x"
    download.download(f"{server.url}/x", path, check=lambda staged: None)
    assert path.stat().st_size == 2000
    with pytest.raises(CheckpointError, match="more than 1,000"):
        download.download(f"{server.url}/x", tmp_path / "y", check=print, max_bytes=1000)
    assert left(tmp_path) == [path]


def test_another_file_of_the_same_name_is_not_taken_later(server: Server, source: Source) -> None:
    server.answers[FILE] = Answer(content=weights())
    path = resolve(NAME, source).header.path
    path.write_bytes(weights(bias=1.0))
    with pytest.raises(CheckpointError, match=r"is not what it was: its SHA-256 is .* Remove /"):
        resolve(NAME, source)
    path.unlink()
    server.answers[FILE] = Answer(content=weights(bias=1.0))
    with pytest.raises(CheckpointError, match="was not taken: its SHA-256 is"):
        resolve(NAME, source)
    assert not path.exists()


def test_a_given_hash_is_enforced_on_local_files_too(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(weights())
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert resolve(path, Source(sha256=sha256.upper())).lineage[0]["sha256"] == sha256
    with pytest.raises(CheckpointError, match="was not taken: its SHA-256 is"):
        resolve(path, Source(sha256="1" * 64))
    with pytest.raises(ValueError, match="must be 64 hexadecimal digits"):
        Source(sha256="12")


def test_without_a_network_the_error_is_one_line(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_names, "OFFICIAL", "http://127.0.0.1:9/")
    with pytest.raises(CheckpointError, match=r"cannot be fetched: .* Download it elsewhere"):
        resolve(NAME, source)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckpointError, match="not in the cache, and fetching is switched off"):
        resolve(NAME, source)
    with pytest.raises(CheckpointError, match="not in the cache, and fetching is switched off"):
        resolve("hf:facebook/convnextv2-atto-1k-224", source)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(CheckpointError, match="only https addresses"):
        resolve("http://example.org/x.pt", source)
    assert left(source.folder) == []


def test_a_file_of_the_hub_is_fetched_and_its_commit_pinned(
    hub_server: Server, source: Source, tmp_path: Path
) -> None:
    hub_server.hub_file("timm/convnextv2_tiny.fcmae", "model.safetensors", safetensors(tmp_path))
    found = resolve("timm:convnextv2_tiny.fcmae", source)
    assert found.licences == ["CC-BY-NC-4.0"]
    assert found.header.recognised is not None
    record = json.loads(next((source.folder / "hashes").iterdir()).read_text())
    assert record["revision"] == "c" * 40
    assert record["sha256"] == found.lineage[0]["sha256"]
    hub_server.asked.clear()
    again = resolve("timm:convnextv2_tiny.fcmae", Source(cache=source.cache, offline=True))
    assert again.header.path == found.header.path
    assert hub_server.asked == []


def test_labels_and_normalisation_beside_the_weights_are_read(
    hub_server: Server, source: Source, tmp_path: Path
) -> None:
    repo = "someone/net"
    config = {"id2label": {"1": "dog", "0": "cat"}}
    images = {"size": {"shortest_edge": 64}, "image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}
    hub_server.hub_file(repo, "model.safetensors", safetensors(tmp_path))
    hub_server.hub_file(repo, "config.json", json.dumps(config).encode())
    hub_server.hub_file(repo, "preprocessor_config.json", json.dumps(images).encode())
    card = resolve(f"hf:{repo}", source).header.card
    assert card.classes == ("cat", "dog")
    assert card.size == (64, 64)
    assert card.mean == (0.1, 0.2, 0.3)
    assert card.std is None  # whole numbers: not what the hub writes


def test_what_timm_writes_beside_the_weights_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(safetensors(tmp_path))
    facts = {"input_size": [3, 64, 96], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    config = {"label_names": ["cat", "dog"], "pretrained_cfg": facts}
    (tmp_path / "config.json").write_text(json.dumps(config))
    card = resolve(tmp_path).header.card
    assert (card.classes, card.size) == (("cat", "dog"), (64, 96))
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "LABEL_0"}}))
    assert set(resolve(tmp_path).header.card.to_json()) == {"format", "model"}
    (tmp_path / "config.json").write_text("[" * 100_000)
    assert set(resolve(tmp_path).header.card.to_json()) == {"format", "model"}


def test_a_repository_with_an_older_file_is_read_too(hub_server: Server, source: Source) -> None:
    hub_server.hub_file("someone/net", "pytorch_model.bin", weights("huggingface"))
    found = resolve("hf:someone/net@main", source)
    assert found.header.path.name == "pytorch_model.bin"
    assert found.licences == []
    with pytest.raises(CheckpointError, match="has no weights in one file"):
        resolve("hf:someone/empty", source)
    with pytest.raises(CheckpointError, match="is not a name on the hub"):
        resolve("hf:a/b/c", source)


@pytest.mark.parametrize("case", ["page", "hash", "huge"])
def test_what_the_hub_should_not_give_is_refused_and_leaves_nothing(
    hub_server: Server, source: Source, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"<html>" * 40 if case == "page" else weights("huggingface")
    hub_server.hub_file("someone/net", "model.safetensors", content)
    if case == "huge":
        monkeypatch.setattr(hub, "MAX_BYTES", 1000)
    asked = Source(cache=source.cache, sha256="0" * 64) if case == "hash" else source
    says = {"page": "not a safetensors", "hash": "is not what it was", "huge": "over 1,000"}
    with pytest.raises(CheckpointError, match=says[case]):
        resolve("hf:someone/net", asked)
    assert [p for p in left(source.folder) if "blobs" in p.parts or "hashes" in p.parts] == []


def test_all_26_sets_of_v2_have_names_and_timms_are_timms_own() -> None:
    ours = {name for name in TIMM if name.startswith("convnextv2")}
    theirs = set(timm.list_pretrained("convnextv2*"))
    assert len(ours) == 26
    assert ours == theirs
    assert set(TIMM) <= set(timm.list_pretrained("convnext*"))
    assert sum(not name.startswith("v1-") for name in OFFICIAL_FILES) == 26
    assert sum("convnextv2" in name for name in HUGGING_FACE) == 8 + 10


def test_addresses_and_facts_are_those_that_timm_has() -> None:
    addresses = dict(OFFICIAL_FILES.values())
    for name, facts in TIMM.items():
        known = timm.get_pretrained_cfg(name)
        assert facts["size"] == known.input_size[1:]
        assert tuple(facts.get("mean", (0.485, 0.456, 0.406))) == known.mean
        if known.url and "fbaipublicfiles" in known.url:
            file = known.url.removeprefix(published.OFFICIAL)
            assert addresses[file]["size"] == facts["size"]
        if known.license == "cc-by-nc-4.0":
            assert facts["licence"] == "CC-BY-NC-4.0"


def test_a_wrong_name_offers_the_nearest() -> None:
    with pytest.raises(CheckpointError, match=r"did you mean timm:convnextv2_tiny\.fcmae"):
        named("timm:convnextv2_tiny.fcma")
    with pytest.raises(CheckpointError, match="not among the 45 sets of official"):
        named("official:tiny")
    assert named("runs/pretrain") is None
    assert named("C:/weights") is None


def test_a_path_wins_over_a_name_and_its_origin_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lineage = [{"source": NAME, "licence": "CC-BY-NC-4.0"}]
    card = {"lineage": lineage, "licence": "CC-BY-NC-4.0"}
    save_weights(Path("timm:mine#1"), Encoder(SMALL), card)
    found = resolve("timm:mine#1")
    assert found.lineage[:-1] == lineage
    assert found.lineage[-1]["format"] == "fcmae"
    assert found.licences == ["CC-BY-NC-4.0"]


def test_a_part_can_be_named_after_a_path(tmp_path: Path) -> None:
    state = FORMATS["official"].write(Encoder(SMALL).state_dict(prefix="encoder."))
    torch.save({"a": state, "b": {n: x + 1 for n, x in state.items()}}, tmp_path / "x.pt")
    model, _ = load_model(resolve(f"{tmp_path}/x.pt#b").header)
    name = "downsample_layers.0.0.bias"
    assert_close(model.stem.bias.data, state[name] + 1)


def test_hashes_are_files_of_their_own(source: Source, server: Server) -> None:
    server.answers[FILE] = Answer(content=weights())
    resolve(NAME, source)
    (record,) = (source.folder / "hashes").iterdir()
    assert re.fullmatch(r"official-atto-fcmae-[0-9a-f]{8}\.json", record.name)
    record.write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read: remove it to fetch"):
        resolve(NAME, source)
