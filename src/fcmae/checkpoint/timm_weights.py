"""The weights of timm's nets, from timm's files and from runs here, into a net of another size."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from torch import Tensor, nn

from fcmae.checkpoint.adapt import adapt_stem
from fcmae.checkpoint.header import Header
from fcmae.checkpoint.options import Rule
from fcmae.checkpoint.report import Entry, Report
from fcmae.checkpoint.timm_names import facts_of
from fcmae.errors import CheckpointError
from fcmae.model.timm_net import TimmClassifier, TimmEncoder, build_body
from fcmae.model.timm_options import TimmArchitecture

BODY, HEAD = "encoder.body.", "head."


def new_model(
    header: Header, *, channels: int | None = None, size: tuple[int, int] | None = None
) -> TimmEncoder | TimmClassifier:
    """The model that a header describes, with fresh weights.

    Args:
        header: A file of timm, or of a run that trained a net of timm.
        channels: Channels of the images, where they are not those of the weights.
        size: Height and width of the images, for a net that is built for one size.
    """
    description = header.card["model"]
    architecture = TimmArchitecture.of(description["architecture"])
    if channels is not None:
        architecture = replace(architecture, channels=channels)
    if size is not None and architecture.size is not None:
        architecture = replace(architecture, size=size)
    if description["kind"] == "classifier":
        return TimmClassifier(architecture, num_classes=description["num_classes"])
    return TimmEncoder(architecture)


def give_weights(
    model: nn.Module,
    header: Header,
    tensors: Mapping[str, Tensor],
    *,
    without: Collection[str] = (),
    adapt: Rule | None = None,
) -> Report:
    """Give a net of timm, and the head where it fits, the weights of a file.

    Args:
        model: A net of timm, or a classifier that has one.
        header: A file of timm, or of a run that trained a net of timm.
        tensors: All tensors of the file.
        without: Parts that stay as they are: head, or nothing.
        adapt: How the stem becomes one for the model's number of channels, where that differs.

    Raises:
        CheckpointError: The weights are those of another net.
    """
    encoder = model.encoder if isinstance(model, TimmClassifier) else model
    have = TimmArchitecture.of(header.card["model"]["architecture"])
    if not isinstance(encoder, TimmEncoder) or encoder.architecture.timm != have.timm:
        raise CheckpointError(f"{header.path} holds the weights of {have}, which is another net.")
    theirs = dict(tensors) if header.net is not None else _as_timm(tensors, have)
    adapted = _adapted(theirs, encoder.architecture, have, adapt)
    _fill(encoder, theirs, header)
    own = _head_of(have)
    reason = _give_head(model, theirs, own, have, without)
    given = {f"{own}.weight", f"{own}.bias"}
    entries = [
        Entry(name=name, how="dropped", why=reason)
        if reason and name in given
        else Entry(name=name, how="adapted", here=BODY + name, why=f"{adapt} over channels")
        if name in adapted
        else Entry(name=name, how="taken", here=BODY + name)
        for name in theirs
    ]
    new = ["head.weight", "head.bias"] if isinstance(model, TimmClassifier) and reason else []
    return Report(format="timm" if header.net is not None else "fcmae", entries=entries, new=new)


def _as_timm(tensors: Mapping[str, Tensor], architecture: TimmArchitecture) -> dict[str, Tensor]:
    """The tensors of a run by timm's names."""
    own = _head_of(architecture) or "head"
    body = {n.removeprefix(BODY).removeprefix("body."): x for n, x in tensors.items()}
    return {
        f"{own}.{name.removeprefix(HEAD)}" if full.startswith(HEAD) else name: x
        for (name, x), full in zip(body.items(), tensors, strict=True)
    }


def _head_of(architecture: TimmArchitecture) -> str:
    """What timm calls the net's linear classifier; nothing where it has none, or several."""
    heads = facts_of(architecture.timm).heads
    return heads[0] if len(heads) == 1 else ""


def _adapted(
    tensors: dict[str, Tensor],
    wanted: TimmArchitecture,
    have: TimmArchitecture,
    rule: Rule | None,
) -> set[str]:
    """Make the first convolutions ones for other channels; the names of those that were."""
    if wanted.channels == have.channels or rule is None:
        return set()
    names = {f"{layer}.weight" for layer in facts_of(have.timm).stems} & tensors.keys()
    if not names or any(tensors[name].shape[1] != have.channels for name in names):
        raise CheckpointError(f"{have} has no stem that could be adapted: leave --adapt out.")
    for name in names:
        tensors[name] = adapt_stem(tensors[name], wanted.channels, rule)
    return names


def _fill(encoder: TimmEncoder, tensors: dict[str, Tensor], header: Header) -> None:
    """Load the net, by way of timm's own conversion where names or shapes are not as now."""
    wanted = encoder.body.state_dict()
    if all(name in tensors and tensors[name].shape == x.shape for name, x in wanted.items()):
        encoder.body.load_state_dict({name: tensors[name] for name in wanted})
        return
    architecture = encoder.architecture
    known = facts_of(architecture.timm)
    heads = [len(x) for n in known.heads if (x := tensors.get(f"{n}.weight")) is not None]
    classes = heads[0] - known.label_offset if heads else 0
    overlay = {
        "state_dict": dict(tensors),
        "num_classes": classes,
        "input_size": (architecture.channels, *(architecture.size or known.size)),
    }
    try:
        loaded = build_body(
            architecture,
            pretrained=True,
            num_classes=classes,
            pretrained_cfg_overlay=overlay,
        )
        found = loaded.state_dict()
        encoder.body.load_state_dict({name: found[name] for name in wanted})
    except (ValueError, KeyError, RuntimeError) as error:
        made_for = TimmArchitecture.of(header.card["model"]["architecture"]).size
        if made_for != architecture.size:
            raise CheckpointError(
                f"{header.path} was made for images of {made_for} pixels, and timm cannot make it "
                f"fit {architecture.size}: leave the size out."
            ) from error
        raise CheckpointError(
            f"{header.path} does not hold a whole {architecture}: {' '.join(str(error).split())}"
        ) from error


def _give_head(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    layer: str,
    architecture: TimmArchitecture,
    without: Collection[str],
) -> str:
    """Give a classifier its head; the reason if it stays as it is."""
    weight, bias = tensors.get(f"{layer}.weight"), tensors.get(f"{layer}.bias")
    if not isinstance(model, TimmClassifier):
        return "the model has no such part"
    if "head" in without:
        return "the model has one of its own"
    if weight is None or bias is None:
        return "there is none"
    offset = facts_of(architecture.timm).label_offset
    weight, bias = weight[offset:], bias[offset:]
    if weight.shape != model.head.weight.shape:
        return f"it has {len(weight)} classes instead of {model.head.out_features}"
    model.head.load_state_dict({"weight": weight, "bias": bias})
    return ""
