"""The analyses of what the blocks do: distance, selectivity, inactive channels, rank, CKA."""

from functools import partial
from typing import Any

import numpy as np
import torch

from fcmae.analysis.cka import cka_table
from fcmae.analysis.depth_pictures import inactive_bars, over_depth, stage_histograms
from fcmae.analysis.effective_rank import effective_rank
from fcmae.analysis.findings.subject import (
    AnalysedNet,
    AnalysisFinding,
    Subject,
    columns_of_places,
    needs_labels,
)
from fcmae.analysis.heat_map import similarity_map
from fcmae.analysis.selectivity import class_means, selectivity
from fcmae.errors import DataError
from fcmae.types import Labels


def feature_distance(subject: Subject) -> list[AnalysisFinding]:
    """The mean cosine distance between channels, block by block."""
    nets = [_expanding(net) for net in subject.nets]
    lines = {net.name: net.inside.distances.double().mean(dim=0).tolist() for net in nets}
    own = lines[subject.net.name]
    lowest = int(np.argmin(own))
    where = subject.net.inside.expanding[lowest].name
    summary = {"mean": float(np.mean(own)), "smallest": own[lowest], "smallest in": where}
    return [
        AnalysisFinding(
            name="feature_distance",
            title="Feature distance",
            alt=f"Line over the depth of the net: the mean cosine distance of channels is "
            f"{own[0]:.2f} in the first block and {own[-1]:.2f} in the last one; the smallest, "
            f"{own[lowest]:.2f}, is in {where}. Values near 0 mean that all channels are the same."
            + _and_others(subject, lines),
            summary=summary | {"last but one": own[-2 if len(own) > 1 else -1], "last": own[-1]},
            numbers=_by_net(nets, {"distance": lines}),
            draw=partial(
                over_depth, lines, subject.net.stages, y="cosine distance of channels",
                y_range=(0.0, 0.6),
            ),
        )
    ]  # fmt: skip


def class_selectivity(subject: Subject) -> list[AnalysisFinding]:
    """The class selectivity index of every output channel."""
    labels = needs_labels(subject, 2)
    values = {net.name: _selectivities(net, labels) for net in subject.nets}
    own = torch.cat(values[subject.net.name])
    last = values[subject.net.name][-1]
    known = own[own.isfinite()]
    summary: dict[str, float | int | str] = {
        "median": float(known.median()) if len(known) else float("nan"),
        "median of the last block": float(last[last.isfinite()].nanmedian()),
        "channels never active": int((~own.isfinite()).sum()),
        "classes": len(set(labels.tolist())),
    }
    by_stage = {
        net.name: {
            stage: [
                x[x.isfinite()].numpy()
                for x, s in zip(values[net.name], net.stages, strict=True)
                if s == stage
            ]
            for stage in net.stages
        }
        for net in subject.nets
    }
    return [
        AnalysisFinding(
            name="class_selectivity",
            title="Class selectivity",
            alt="Histograms of the class selectivity index of the output channels, one panel per "
            f"stage. The median over all channels is {summary['median']:.2f}, in the last block "
            f"{summary['median of the last block']:.2f}; 0 is a channel that no class excites more "
            "than others, 1 one that a single class excites.",
            summary=summary,
            numbers=_per_channel(subject.nets, values),
            draw=partial(stage_histograms, by_stage, x="class selectivity index"),
        )
    ]


def inactive_channels(subject: Subject) -> list[AnalysisFinding]:
    """Dead and saturated maps and channels of every block."""
    nets = [_expanding(net) for net in subject.nets]
    shares = {
        net.name: (_share(net, net.inside.dead), _share(net, net.inside.saturated)) for net in nets
    }
    always = {
        kind: {net.name: _always(net, kind) for net in nets} for kind in ("dead", "saturated")
    }
    dead, saturated = shares[subject.net.name]
    worst = int(np.argmax(np.add(dead, saturated)))
    summary: dict[str, float | int | str] = {
        "dead maps": float(np.mean(dead)),
        "saturated maps": float(np.mean(saturated)),
        "dead maps of the last block": dead[-1],
        "channels dead in all images": sum(always["dead"][subject.net.name]),
        "channels saturated in all images": sum(always["saturated"][subject.net.name]),
        "most in": subject.net.inside.expanding[worst].name,
    }
    numbers = _by_net(
        nets,
        {
            "dead_maps": {name: both[0] for name, both in shares.items()},
            "saturated_maps": {name: both[1] for name, both in shares.items()},
            "dead_channels": always["dead"],
            "saturated_channels": always["saturated"],
        },
    )
    stages = {net.name: [place.stage for place in net.inside.expanding] for net in nets}
    return [
        AnalysisFinding(
            name="inactive_channels",
            title="Dead and saturated channels",
            alt="Bars over the depth of the net: the share of activation maps that are dead or "
            f"saturated. On average {np.mean(dead):.0%} are dead and {np.mean(saturated):.0%} "
            f"saturated; the largest share is in {summary['most in']}: "
            f"{dead[worst]:.0%} and {saturated[worst]:.0%}.",
            summary=summary,
            numbers=numbers,
            draw=partial(inactive_bars, shares, stages),
        )
    ]


def effective_ranks(subject: Subject) -> list[AnalysisFinding]:
    """The effective rank of the pooled features of every block."""
    lines = {net.name: [effective_rank(x) for x in net.inside.means] for net in subject.nets}
    most = {net.name: [float(min(x.shape)) for x in net.inside.means] for net in subject.nets}
    own, limits, last = lines[subject.net.name], most[subject.net.name], _last(subject.net)
    summary: dict[str, float | int | str] = {
        f"stage {stage}": own[index] for stage, index in last.items()
    }
    widths = {net.name: [x.shape[1] for x in net.inside.means] for net in subject.nets}
    return [
        AnalysisFinding(
            name="effective_rank",
            title="Effective rank",
            alt="Line over the depth of the net: the effective rank of the pooled features is "
            + ", ".join(f"{own[i]:.1f} after stage {stage}" for stage, i in last.items())
            + f", of at most {limits[-1]:.0f} in the last block.",
            summary=summary | {"largest possible in the last block": int(limits[-1])},
            numbers=_by_net(
                subject.nets, {"effective_rank": lines, "largest_possible": most, "width": widths}
            ),
            draw=partial(
                over_depth, lines, subject.net.stages, y="effective rank",
                y_range=(0.0, 1.15 * max(max(values) for values in lines.values())),
            ),
        )
    ]  # fmt: skip


def similarity(subject: Subject) -> list[AnalysisFinding]:
    """Linear CKA of every block with every block of the other net, or of its own."""
    first, other = subject.nets[0], subject.nets[-1]
    table = cka_table(first.inside.means, other.inside.means)
    summary: dict[str, float | int | str] = {
        "last blocks": float(table[-1, -1]),
        "first blocks": float(table[0, 0]),
        "first and last block": float(table[0, -1]),
    }
    if other is first:
        summary = {"first and last block": summary["first and last block"]}
    pairs = [(i, j) for i in range(len(table)) for j in range(table.shape[1])]
    numbers: dict[str, Any] = {
        "row": [first.inside.places[i].name for i, _ in pairs],
        "column": [other.inside.places[j].name for _, j in pairs],
        "cka": table.flatten().numpy(),
    }
    among = "among themselves" if other is first else f"with those of {other.name}"
    return [
        AnalysisFinding(
            name="cka",
            title="Similarity of layers (CKA)",
            alt=f"Heat map of the linear CKA of the blocks of {first.name} {among}: "
            + ", ".join(f"{name} {value:.2f}" for name, value in summary.items())
            + ". 1 is the same up to rotation and scale, 0 unrelated.",
            summary=summary,
            numbers=numbers,
            draw=partial(
                similarity_map, table, (first.stages, other.stages), (first.name, other.name)
            ),
        )
    ]


def _expanding(net: AnalysedNet) -> AnalysedNet:
    """The net, if its blocks have expanded features."""
    if not net.inside.expanding:
        raise DataError(f"the blocks of {net.name} have no layer after an expansion.")
    return net


def _last(net: AnalysedNet) -> dict[int, int]:
    """Index of the last block of each stage."""
    return {stage: i for i, stage in enumerate(net.stages)}


def _selectivities(net: AnalysedNet, labels: Labels) -> list[torch.Tensor]:
    return [selectivity(class_means(active, labels)) for active in net.inside.activities]


def _share(net: AnalysedNet, counts: list[torch.Tensor]) -> list[float]:
    """The share of maps of each block."""
    return [float(x.sum()) / (len(x) * len(net.inside.images.indices)) for x in counts]


def _always(net: AnalysedNet, kind: str) -> list[int]:
    """Number of channels of each block that are so in every image."""
    counts = {"dead": net.inside.dead, "saturated": net.inside.saturated}[kind]
    return [int((x == len(net.inside.images.indices)).sum()) for x in counts]


def _and_others(subject: Subject, lines: dict[str, list[float]]) -> str:
    """Sentence about the network that is compared with."""
    others = [net.name for net in subject.nets[1:]]
    return "".join(f" {name}: {lines[name][-1]:.2f} in the last block." for name in others)


def _by_net(nets: list[AnalysedNet], columns: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A table with a row per net and block."""
    parts = []
    for net in nets:
        length = len(next(iter(columns.values()))[net.name])
        places = net.inside.places if length == len(net.inside.places) else net.inside.expanding
        own = {name: np.array(by_net[net.name]) for name, by_net in columns.items()}
        parts.append({"model": [net.name] * length, **columns_of_places(places), **own})
    return _joined(parts)


def _per_channel(nets: list[AnalysedNet], values: dict[str, list[torch.Tensor]]) -> dict[str, Any]:
    """A table with a row per net, block and channel."""
    parts = []
    for net in nets:
        for place, own in zip(net.inside.places, values[net.name], strict=True):
            parts.append(
                {
                    "model": [net.name] * len(own),
                    "stage": np.full(len(own), place.stage),
                    "block": np.full(len(own), place.number),
                    "channel": np.arange(len(own)),
                    "selectivity": own.numpy(),
                }
            )
    return _joined(parts)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Tables below one another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
