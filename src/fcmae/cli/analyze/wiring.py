"""Analyses: the models, one pass over the images, and each analysis that applies."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from torch import nn

from fcmae.analysis.inside import Inside, look_inside
from fcmae.cli.analyze.analyze import Analyzed
from fcmae.cli.analyze.asked import Asked
from fcmae.cli.analyze.blocks import (
    class_selectivity,
    effective_ranks,
    feature_distance,
    inactive_channels,
    similarity,
)
from fcmae.cli.analyze.classifier import evidence, mistakes
from fcmae.cli.analyze.images import maps, neighbours, pca, tsne, umap
from fcmae.cli.analyze.options import Analyze, MapOptions, What
from fcmae.cli.analyze.subject import Finding, Net, Subject, model_of, spread
from fcmae.cli.shared.console import Console
from fcmae.data.augment import Evaluation
from fcmae.data.image_list import ImageList
from fcmae.errors import CheckpointError, DataError
from fcmae.files.durable import write_synced
from fcmae.files.journal import Journal
from fcmae.files.results import unusable_files
from fcmae.files.tables import write_table
from fcmae.files.together import begin, end
from fcmae.inference.models import batches, launch
from fcmae.options.fields import plain
from fcmae.peers import Peers

Entry = dict[str, Any]
"""What ``analysis.json`` says about a finding."""

INDEX = "analysis.json"
"""File that tells what each picture shows."""

ANALYSES: dict[What, Callable[[Subject], list[Finding]]] = {
    "feature_distance": feature_distance,
    "class_selectivity": class_selectivity,
    "inactive_channels": inactive_channels,
    "effective_rank": effective_ranks,
    "cka": similarity,
    "activation_maps": maps,
    "nearest_neighbours": neighbours,
    "pca": pca,
    "tsne": tsne,
    "umap": umap,
    "grad_cam": evidence,
    "mistakes": mistakes,
}


def look(
    options: Analyze, asked: list[Asked], images: ImageList, out: Path, console: Console
) -> Analyzed:
    """Show the images to each net once, then do the analyses one after the other."""
    chosen = spread(images, options.images, options.seed)
    models = [model_of(net, options.seed) for net in asked]
    peers = launch(options.run, nn.ModuleList(models))
    names = [name for name in get_args(What) if options.what is None or name in options.what]
    usual = [f"{name}.{ending}" for name in names for ending in ("csv", "png")]
    journal = begin(out, [INDEX, *usual], peers, "analysis")
    nets = [
        Net(
            asked=net,
            model=model,
            inside=_inside(
                net, model, chosen, peers, batch_size=options.run.batch_size, console=console
            ),
        )
        for net, model in zip(asked, models, strict=True)
    ]
    subject = Subject(options=options, nets=nets, images=chosen, peers=peers)
    entries, skipped = _do(names, subject, journal, console)
    if not entries:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise DataError(f"nothing that was asked for could be done: {reasons}")
    if peers.leads:
        with journal.writing(INDEX) as path:
            content = json.dumps(plain(entries), indent=1, allow_nan=False)
            write_synced(path, f"{content}\n".encode())
    end(journal, peers)
    if options.maps != MapOptions() and "activation_maps" in skipped:
        raise DataError(f"{skipped['activation_maps']} The other analyses are in {out}.")
    return Analyzed(
        out=out,
        images=len(nets[0].inside.images.indices),
        found=entries,
        skipped=skipped,
        summary={entry["name"]: entry["summary"] for entry in entries},
        unusable=unusable_files(nets[0].inside.images.unusable),
    )


def _inside(
    asked: Asked,
    model: nn.Module,
    images: ImageList,
    peers: Peers,
    *,
    batch_size: int,
    console: Console,
) -> Inside:
    """The pass over the images."""
    found = batches(
        images,
        Evaluation(asked.size),
        loader=asked.loader,
        channels=asked.net.channels,
        batch_size=batch_size,
        peers=peers,
        reporter=console,
        what=f"looking into {asked.name}",
    )
    return look_inside(model, found, peers)


def _do(
    names: Iterable[What], subject: Subject, journal: Journal, console: Console
) -> tuple[list[Entry], dict[str, str]]:
    """Write what each analysis found, one after the other, and say why some do not apply."""
    entries: list[Entry] = []
    skipped: dict[str, str] = {}
    asked = list(names)
    with console.counting("analysing", len(asked)) as count:
        for name in asked:
            try:
                found = ANALYSES[name](subject)
                entries += [write(finding, journal, subject.peers) for finding in found]
            except (DataError, CheckpointError) as reason:
                skipped[name] = str(reason)
            count(1)
    return entries, skipped


def write(finding: Finding, journal: Journal, peers: Peers) -> Entry:
    """Write the picture and its numbers; give back the entry of ``analysis.json``."""
    table, picture = f"{finding.name}.csv", f"{finding.name}.png"
    if peers.leads:
        with journal.writing(table) as path:
            write_table(path, finding.numbers)
        if finding.draw is not None:
            with journal.writing(picture) as path:
                finding.draw(path)
    return {
        "name": finding.name,
        "title": finding.title,
        "picture": None if finding.draw is None else picture,
        "alt": finding.alt,
        "numbers": table,
        "summary": finding.summary,
    }
