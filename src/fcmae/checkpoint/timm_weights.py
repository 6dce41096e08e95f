"""The weights of timm's nets, from timm's files and from runs here, into a net of another size."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace

import torch
from torch import Tensor, nn

from fcmae.checkpoint.adapt import adapt_stem
from fcmae.checkpoint.formats.form import Shape
from fcmae.checkpoint.header import Header
from fcmae.checkpoint.options import Rule
from fcmae.checkpoint.report import LoadReport, TensorEntry, part_of, prefixed
from fcmae.checkpoint.timm_names import facts_of
from fcmae.errors import CheckpointError
from fcmae.flags import option
from fcmae.model.build import rebuild
from fcmae.model.timm_body import build_body
from fcmae.model.timm_net import TimmEncoder, timm_encoder_of
from fcmae.model.timm_options import TimmArchitecture

BODY, HEAD = "encoder.body.", "head."


def new_model(
    header: Header, *, channels: int | None = None, size: tuple[int, int] | None = None
) -> nn.Module:
    """The model that a header describes, with fresh weights.

    Args:
        header: A file of timm, or of a run that trained a net of timm.
        channels: Channels of the images, where they are not those of the weights.
        size: Height and width of the images, for a net that is built for one size.
    """
    description = header.card.model
    architecture = TimmArchitecture.of(description["architecture"])
    if channels is not None:
        architecture = replace(architecture, channels=channels)
    if size is not None and architecture.size is not None:
        architecture = replace(architecture, size=size)
    return rebuild({**description, "architecture": asdict(architecture)})


def give_weights(
    model: nn.Module,
    header: Header,
    tensors: Mapping[str, Tensor],
    *,
    without: Collection[str] = (),
    adapt: Rule | None = None,
) -> LoadReport:
    """Give a net of timm, and every other part that fits whole, the weights of a file.

    Args:
        model: A net of timm, or a model whose encoder is one.
        header: A file of timm, or of a run that trained a net of timm.
        tensors: All tensors of the file.
        without: Parts that stay as they are, such as the head.
        adapt: How the stem becomes one for the model's number of channels, where that differs.

    Raises:
        CheckpointError: The weights are those of another net.
    """
    encoder = timm_encoder_of(model)
    have = TimmArchitecture.of(header.card.model["architecture"])
    if encoder is None or encoder.architecture.timm != have.timm:
        raise CheckpointError(f"{header.path} holds the weights of {have}, which is another net.")
    theirs, others = _parts(header, tensors, have)
    adapted = _adapted(theirs, encoder.architecture, have, adapt)
    _fill(encoder, theirs, header)
    wanted = {} if model is encoder else _outside(model)
    refused = _give_others(model, wanted, others, without)
    entries = [_entry(name, have, refused.get("head"), adapted, str(adapt)) for name in theirs]
    if header.net is None:
        known = {entry.here for entry in entries}
        entries += [_entry_of_part(name, refused) for name in others if name not in known]
    filled = {entry.here for entry in entries}
    return LoadReport(
        format="timm" if header.net is not None else "fcmae",
        entries=entries,
        new=[name for name in wanted if name not in filled],
    )


def _entry(
    name: str, have: TimmArchitecture, reason: str | None, adapted: Collection[str], how: str
) -> TensorEntry:
    """Fate of a tensor, by timm's name for it."""
    layer, _, last = name.rpartition(".")
    heads = facts_of(have.timm).heads
    if layer in heads and (reason or len(heads) > 1):
        return TensorEntry(name=name, how="dropped", why=reason or "one of several heads")
    if layer in heads:
        return TensorEntry(name=name, how="taken", here=HEAD + last)
    if name in adapted:
        return TensorEntry(name=name, how="adapted", here=BODY + name, why=f"{how} over channels")
    return TensorEntry(name=name, how="taken", here=BODY + name)


def _entry_of_part(name: str, refused: Mapping[str, str]) -> TensorEntry:
    """Tells what became of a tensor outside the encoder, by our name for it."""
    if why := refused.get(part_of(name)):
        return TensorEntry(name=name, how="dropped", why=why)
    return TensorEntry(name=name, how="taken", here=name)


def _parts(
    header: Header, tensors: Mapping[str, Tensor], have: TimmArchitecture
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tensors of the net and its linear head by timm's names; those outside the net by ours."""
    facts = facts_of(have.timm)
    layer = facts.heads[0] if len(facts.heads) == 1 else ""
    if header.net is not None:
        found = {last: tensors.get(f"{layer}.{last}") for last in ("weight", "bias")}
        head = {HEAD + name: x[facts.label_offset :] for name, x in found.items() if x is not None}
        return dict(tensors), head
    inside = {n: x for n, x in prefixed(tensors).items() if n.startswith(BODY)}
    others = {n: x for n, x in prefixed(tensors).items() if n not in inside}
    theirs = {name.removeprefix(BODY): x for name, x in inside.items()}
    # timm tells its own files from older ones by the classifier, whose labels begin at the offset.
    is_classifier = bool(layer) and header.card.model["kind"] == "classifier"
    head = {n: x for n, x in others.items() if is_classifier and n.startswith(HEAD)}
    named = {
        f"{layer}.{n.removeprefix(HEAD)}": _offset(x, facts.label_offset) for n, x in head.items()
    }
    return {**theirs, **named}, others


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
            f"{option('adapt')} says how to make them fit."
        )
    names = {f"{layer}.weight" for layer in facts_of(have.timm).stems} & tensors.keys()
    if not names or any(tensors[name].shape[1] != have.channels for name in names):
        raise CheckpointError(
            f"{have} has no stem that could be adapted: leave {option('adapt')} out."
        )
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
        made_for = TimmArchitecture.of(header.card.model["architecture"]).size
        if made_for != architecture.size:
            raise CheckpointError(
                f"{header.path} was made for images of {made_for} pixels, and timm cannot make it "
                f"fit {architecture.size}: leave the size out."
            ) from error
        raise CheckpointError(
            f"{header.path} does not hold a whole {architecture}: {' '.join(str(error).split())}"
        ) from error


def _outside(model: nn.Module) -> dict[str, Shape]:
    """Shapes of a model's tensors outside its encoder."""
    state = model.state_dict()
    return {n: tuple(x.shape) for n, x in state.items() if part_of(n) != "encoder"}


def _give_others(
    model: nn.Module,
    wanted: Mapping[str, Shape],
    others: Mapping[str, Tensor],
    without: Collection[str],
) -> dict[str, str]:
    """Give a model the parts that fit it whole; returns the reason for each that is not taken."""
    refused = {}
    for part in {part_of(name) for name in others} | {"head"}:
        here = {name: shape for name, shape in wanted.items() if part_of(name) == part}
        there = {n: tuple(x.shape) for n, x in others.items() if part_of(n) == part}
        if not here:
            refused[part] = "the model has no such part"
        elif part in without:
            refused[part] = "the model has one of its own"
        elif here != there:
            rows = here.get(HEAD + "weight", (0,))[0]
            of_classes = part == "head" and rows
            refused[part] = f"it is not one of {rows} classes" if of_classes else "it does not fit"
    taken = {name: x for name, x in others.items() if part_of(name) not in refused}
    model.load_state_dict(taken, strict=False)
    return refused
