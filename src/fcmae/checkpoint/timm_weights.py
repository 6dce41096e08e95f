"""The weights of timm's nets, from timm's files and from runs here, into a net of another size."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
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
    theirs, head = _parts(header, tensors, have)
    adapted = _adapted(theirs, encoder.architecture, have, adapt)
    _fill(encoder, theirs, header)
    reason = _give_head(model, head, without)
    return Report(
        format="timm" if header.net is not None else "fcmae",
        entries=[_entry(name, have, reason, adapted, str(adapt)) for name in theirs],
        new=["head.weight", "head.bias"] if isinstance(model, TimmClassifier) and reason else [],
    )


def _entry(
    name: str, have: TimmArchitecture, reason: str, adapted: Collection[str], how: str
) -> Entry:
    """Fate of a tensor, by timm's name for it."""
    layer, _, last = name.rpartition(".")
    heads = facts_of(have.timm).heads
    if layer in heads and (reason or len(heads) > 1):
        return Entry(name=name, how="dropped", why=reason or "one of several heads")
    if layer in heads:
        return Entry(name=name, how="taken", here=HEAD + last)
    if name in adapted:
        return Entry(name=name, how="adapted", here=BODY + name, why=f"{how} over channels")
    return Entry(name=name, how="taken", here=BODY + name)


def _parts(
    header: Header, tensors: Mapping[str, Tensor], have: TimmArchitecture
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """All tensors by timm's names, and those of a linear head by ours; none where it has none."""
    facts = facts_of(have.timm)
    layer = facts.heads[0] if len(facts.heads) == 1 else ""
    if header.net is not None:
        found = {last: tensors.get(f"{layer}.{last}") for last in ("weight", "bias")}
        head = {name: x[facts.label_offset :] for name, x in found.items() if x is not None}
        return dict(tensors), head
    head = {n.removeprefix(HEAD): x for n, x in tensors.items() if n.startswith(HEAD)}
    theirs = {
        name.removeprefix("encoder.").removeprefix("body."): x
        for name, x in tensors.items()
        if not name.startswith(HEAD)
    }
    # timm tells its own files from older ones by the classifier, whose labels begin at the offset.
    named = {f"{layer}.{n}": _offset(x, facts.label_offset) for n, x in head.items() if layer}
    return {**theirs, **named}, head


def _offset(x: Tensor, rows: int) -> Tensor:
    """A head's tensor after so many rows of zeros."""
    return torch.cat([x.new_zeros(rows, *x.shape[1:]), x])


def _adapted(
    tensors: dict[str, Tensor],
    wanted: TimmArchitecture,
    have: TimmArchitecture,
    rule: Rule | None,
) -> set[str]:
    """Make the first convolutions ones for other channels; the names of those that were."""
    if wanted.channels == have.channels:
        return set()
    if rule is None:
        raise CheckpointError(
            f"the weights of {have} are for {have.channels} channels, not for {wanted.channels}: "
            "--adapt says how to make them fit."
        )
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


def _give_head(model: nn.Module, head: dict[str, Tensor], without: Collection[str]) -> str:
    """Give a classifier its head; the reason if it stays as it is."""
    if not isinstance(model, TimmClassifier):
        return "the model has no such part"
    if "head" in without:
        return "the model has one of its own"
    wanted = {name: x.shape for name, x in model.head.state_dict().items()}
    if {name: x.shape for name, x in head.items()} != wanted:
        return f"it is not one of {model.head.out_features} classes"
    model.head.load_state_dict(head)
    return ""
