"""Hostile files: nothing in them runs, they take no memory, and each ends in one line."""

import io
import json
import pickle
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from written import archive, safetensors

from fcmae.checkpoint.header import read_header
from fcmae.checkpoint.weights import load_model
from fcmae.errors import CheckpointError

MEBIBYTE = 2**20
SENTINEL = "sentinel"


class Runs:
    """Unpickles into a call that would write the sentinel."""

    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call[0], self.call[1:]


def calls(module: str, name: str, argument: bytes = b"X\x01\x00\x00\x00x") -> bytes:
    """A pickle that calls something by its name."""
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + argument + b"\x85R."


def tensor(shape: bytes, stride: bytes, count: bytes = b"K\x01", offset: bytes = b"K\x00") -> bytes:
    """A pickle of one tensor ``{"w": ...}`` over the storage 0."""
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    )
    return (
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(("
        + storage[1:] + count + b"tQ" + offset + shape + stride + b"\x89NtRs."
    )  # fmt: skip


def legacy(path: Path) -> None:
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)


def legacy_tar(path: Path) -> None:
    with tarfile.open(path, "w") as file:
        info = tarfile.TarInfo("../../storages")
        file.addfile(info, io.BytesIO())


def script(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", pickle.dumps({}, 2))
        file.writestr("net/constants.pkl", b"")
        file.writestr("net/code/__torch__.py", "import os")


def zipped(*members: tuple[str, bytes], packed: bool = False) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", kind) as file:
            for name, content in members:
                file.writestr(name, content)

    return write


def nested(path: Path) -> None:
    inner = io.BytesIO()
    torch.save({"w": torch.ones(2)}, inner)
    zipped(("weights.pt", inner.getvalue()))(path)


def bomb(path: Path) -> None:
    one = pickle.dumps({}, 2)
    zipped(("a/data.pkl", one), ("a/data/0", bytes(80 * MEBIBYTE)), packed=True)(path)


def directory_of_many(path: Path) -> None:
    archive(path, pickle.dumps({}, 2))
    content = path.read_bytes()
    start, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    entries = content[start:end] * 40_000
    sizes = struct.pack("<II", len(entries), start)
    tail = content[end : end + 8] + struct.pack("<HH", 40_000, 40_000) + sizes + b"\0\0"
    path.write_bytes(content[:start] + entries + tail)


def lying_directory(path: Path) -> None:
    archive(path, pickle.dumps({}, 2))
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", 2**31)
    path.write_bytes(content)


def wrong_member(path: Path) -> None:
    archive(path, tensor(b"K\x40\x85", b"K\x01\x85", b"K\x40"), {"0": bytes(8)})


def nan(path: Path) -> None:
    from fcmae.checkpoint.formats.registry import FORMATS
    from fcmae.model.classifier import Classifier
    from fcmae.model.options import Architecture

    model = Classifier(Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 4)), num_classes=2)
    model.norm.weight.data[0] = float("inf")
    torch.save(FORMATS["official"].write(model.state_dict()), path)


def of(pickled: bytes) -> Callable[[Path], object]:
    return lambda path: archive(path, pickled, {"0": bytes(4)})


def header(text: str | bytes, content: bytes = b"") -> Callable[[Path], object]:
    return lambda path: safetensors(
        path, text if isinstance(text, bytes) else text.encode(), content
    )


def entry(shape: object, end: object, dtype: str = "F32") -> str:
    return json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}})


OWN = json.dumps(
    {
        "__metadata__": {
            "fcmae": json.dumps(
                {
                    "model": {
                        "kind": "encoder",
                        "architecture": {
                            "version": 2,
                            "depths": [10**9] * 4,
                            "dims": [10**6] * 4,
                            "channels": 3,
                            "stem": 4,
                        },
                    }
                }
            )
        }
    }
)
DEEP = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
TUPLES = b"\x80\x02)" + b"q\x00h\x00\x86" * 4000 + b"}" + b"h\x00K\x01s."
KEYS = b"\x80\x02}(" + b"".join(
    b"\x8a\x0c" + (k * (2**61 - 1)).to_bytes(12, "little") + b"N" for k in range(90_000)
) + b"u."  # fmt: skip
SHARED = b"\x80\x02}q\x00" + b"".join(
    b"}q%c" % (level + 1)
    + b"".join(b"X\x02\x00\x00\x00%02dh%cs" % (key, level) for key in range(99))
    for level in range(30)
) + b"."  # fmt: skip
TWO_LINES = json.dumps({"a\nb": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}})

PAYLOADS: dict[str, Callable[[Path], object]] = {
    "os.system": of(calls("os", "system")),
    "posix.system": of(calls("posix", "system")),
    "eval": of(calls("builtins", "eval")),
    "exec": of(calls("builtins", "exec")),
    "getattr": of(calls("builtins", "getattr")),
    "import": of(calls("builtins", "__import__")),
    "open": of(calls("builtins", "open")),
    "subprocess": of(calls("subprocess", "Popen")),
    "runpy": of(calls("runpy", "run_path")),
    "pickle in pickle": of(calls("pickle", "loads")),
    "torch.load": of(calls("torch", "load")),
    "torch.hub": of(calls("torch.hub", "load")),
    "lightning instantiator": of(calls("lightning.pytorch.cli", "instantiate_module")),
    "tensor subclass": of(calls("torch._tensor", "_rebuild_from_type_v2")),
    "dotted name": of(calls("collections", "OrderedDict.__init__.__globals__")),
    "instance opcode": of(b"\x80\x02(X\x01\x00\x00\x00xios\nsystem\n."),
    "object opcode": of(b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00xo."),
    "stack global": of(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R."),
    "stack global of tuples": of(b"\x80\x04)\x85\x8c\x01x\x93."),
    "build on a function": of(b"\x80\x02ctorch\nFloatStorage\n}X\x01\x00\x00\x00aK\x01sb."),
    "extension": of(b"\x80\x02\x82\x01."),
    "text reference": of(b"Pabc\n."),
    "call of a number": of(b"\x80\x02K\x01)R."),
    "a whole module": of(calls("timm.models.convnext", "ConvNeXt")),
    "not a dictionary": of(pickle.dumps([1, 2], 2)),
    "no end": of(b"\x80\x02}"),
    "empty stack": of(b"\x80\x02."),
    "unknown memory": of(b"\x80\x02h\x05."),
    "deep lists": of(DEEP),
    "doubling tuples": of(TUPLES),
    "colliding keys": of(KEYS),
    "shared dictionaries": of(SHARED),
    "long pickle": of(b"\x80\x02" + b"N0" * MEBIBYTE + b"}."),
    "many instructions": of(b"\x80\x02" + b"N0" * 200_000 + b"}."),
    "repeated number": of(tensor(b"J\x00\xca\x9a;\x85", b"K\x00\x85")),
    "beyond its storage": of(tensor(b"K\x01\x85", b"K\x01\x85", offset=b"K\x09")),
    "negative stride": of(tensor(b"K\x01\x85", b"J\xff\xff\xff\xff\x85")),
    "huge shape": of(tensor(b"\x8a\x10" + b"\xff" * 15 + b"\x7f\x85", b"K\x01\x85")),
    "short member": wrong_member,
    "legacy": legacy,
    "legacy tar": legacy_tar,
    "bare pickle": lambda path: path.write_bytes(calls("os", "system")),
    "TorchScript": script,
    "archive in archive": nested,
    "path tricks": zipped(("a/data.pkl", pickle.dumps({}, 2)), ("a/../../evil", b"x")),
    "two folders": zipped(("a/data.pkl", pickle.dumps({}, 2)), ("b/data.pkl", b"x")),
    "packed": bomb,
    "many members": directory_of_many,
    "lying directory": lying_directory,
    "infinite weights": nan,
    "huge header": lambda path: path.write_bytes(struct.pack("<Q", 2**40) + bytes(64)),
    "deep header": header("[" * 500_000),
    "huge safetensors shape": header(entry([10**12], 4), bytes(4)),
    "negative shape": header(entry([-1], 4), bytes(4)),
    "text for a shape": header(entry("abc", 4), bytes(4)),
    "many axes": header(entry([1] * 500, 4), bytes(4)),
    "metadata of another kind": header('{"__metadata__": [1]}'),
    "card that is huge": header(OWN),
    "name of two lines": header(TWO_LINES, bytes(4)),
    "not text": header(b"\xff\xfe{}"),
}  # fmt: skip


SAYS = {
    "os.system": "asks for 'os.system', which is not a tensor",
    "stack global": "asks for 'os.system', which is not a tensor",
    "a whole module": "asks for 'timm.models.convnext.ConvNeXt'",
    "instance opcode": "has the instruction INST",
    "extension": "has the instruction EXT1",
    "stack global of tuples": "names something by what is not text",
    "call of a number": "calls something that is not a function",
    "build on a function": "sets the state of something",
    "not a dictionary": "does not hold a dictionary of tensors",
    "long pickle": "its pickle is longer than any weights need",
    "many instructions": "has more than 100,000 instructions",
    "repeated number": "claims a tensor of shape [1000000000] in a storage of 1 numbers",
    "beyond its storage": "claims a tensor of shape [1] in a storage of 1 numbers",
    "negative stride": "describes a tensor that cannot be",
    "huge shape": "describes a tensor that cannot be",
    "short member": "the numbers of w need 256 bytes, but it has 8",
    "legacy": "a file of PyTorch before 1.6",
    "TorchScript": "is a TorchScript program",
    "archive in archive": "not one of torch.save",
    "path tricks": "its names are not its own",
    "two folders": "it has no data.pkl in one folder",
    "packed": "is packed or encrypted",
    "many members": "its directory is larger than that of any weights",
    "infinite weights": "holds NaN or infinity in norm.weight",
    "name of two lines": "has a tensor whose name is not text: 'a\\nb'",
    "card that is huge": "it has more blocks than tensors",
}
"""What some of the messages say, so that a file is refused for its own reason."""


@contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """Bytes of memory taken at most by this process beyond what it had at the beginning."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        pytest.skip("peak memory is read from Linux's /proc")

    def read(name: str) -> int:
        return 1024 * int(re.search(rf"{name}:\s+(\d+)", status.read_text())[1])

    reset.write_text("5")
    before = read("VmRSS")
    yield lambda: read("VmHWM") - before


def test_the_memory_of_these_tests_is_seen() -> None:
    with memory() as peak:
        assert len(bytes(range(256)) * 2**19) == 128 * MEBIBYTE
    assert peak() > 100 * MEBIBYTE


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_hostile_file_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pt"
    PAYLOADS[name](path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CheckpointError) as caught, memory() as peak:
        load_model(path)
    assert SAYS.get(name, "") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 800
    assert peak() <= 64 * MEBIBYTE + path.stat().st_size
    assert sorted(tmp_path.rglob("*")) == before


def test_calling_is_what_the_payloads_would_do(tmp_path: Path) -> None:
    """The sentinel of these tests works: an ordinary unpickler does run such a file."""
    content = pickle.dumps(Runs(Path.touch, tmp_path / SENTINEL))
    pickle.loads(content)
    assert (tmp_path / SENTINEL).exists()
    (tmp_path / SENTINEL).unlink()
    with pytest.raises(CheckpointError, match="asks for 'pathlib"):
        read_header(archive(tmp_path / "a.pt", content))
    assert not (tmp_path / SENTINEL).exists()


def test_nothing_in_the_package_unpickles_or_runs() -> None:
    import fcmae

    source = Path(fcmae.__file__).parent
    words = (
        *(r"pickle\.load", "Unpickler", r"(?<![.\w])eval\(", r"(?<![.\w])exec\(", "shell=True"),
        *(r"extractall\(", r"os\.system", "load_state_dict_from_url", "trust_remote_code"),
        *("weights_only=False", r"torch\.hub"),
    )
    found = [
        f"{path.name}: {word}"
        for path in source.rglob("*.py")
        for word in words
        if re.search(word, path.read_text(encoding="utf-8"))
    ]
    assert not found
