"""Analyses: the models, one pass over the images, and each analysis that applies."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from torch import nn

from fcmae.analysis.findings.subject import AnalysedNet, AnalysisFinding, Subject, spread
from fcmae.analysis.findings.table import ANALYSES
from fcmae.analysis.inside import look_inside
from fcmae.analysis.options import MapOptions, What
from fcmae.checkpoint.weights import load_model
from fcmae.data.batch import Batch
from fcmae.data.image_list import ImageList
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError, DataError
from fcmae.evaluation.viewing import Viewing
from fcmae.files.durable import write_synced
from fcmae.files.journal import Journal
from fcmae.files.results import unusable_files
from fcmae.files.tables import write_table
from fcmae.files.together import begin, end
from fcmae.inference.analyze.options import Analyze, Analyzed
from fcmae.inference.analyze.sources import NetSource
from fcmae.inference.models import launch
from fcmae.model.build import new_encoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import encoder_of
from fcmae.model.timm_net import TimmClassifier, TimmEncoder, timm_encoder_of
from fcmae.options.fields import plain
from fcmae.process_group import Peers
from fcmae.randomness import seed_everything

AnalysisEntry = dict[str, Any]
"""What ``analysis.json`` says about a finding."""

INDEX = "analysis.json"
"""File that tells what each picture shows."""


def look(
    options: Analyze, sources: list[NetSource], images: ImageList, out: Path, reporter: Reporter
) -> Analyzed:
    """Shows the images to each net once, then does the analyses one after the other."""
    chosen = spread(images, options.images, options.seed)
    models = [model_of(source, options.seed) for source in sources]
    peers = launch(options.run, nn.ModuleList(models))
    names = [name for name in get_args(What) if options.what is None or name in options.what]
    usual = [f"{name}.{ending}" for name in names for ending in ("csv", "png")]
    journal = begin(out, [INDEX, *usual], peers, "analysis")
    batch_size = options.run.batch_size
    nets = [
        _net(source, model, chosen, peers, batch_size=batch_size, reporter=reporter)
        for source, model in zip(sources, models, strict=True)
    ]
    subject = Subject(
        nets=nets,
        images=chosen,
        peers=peers,
        seed=options.seed,
        rows=options.rows,
        k=options.k,
        maps=options.maps,
    )
    entries, skipped = _do(names, subject, journal, reporter)
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


def model_of(source: NetSource, seed: int) -> nn.Module:
    """The model as far as it makes features: a classifier whole, of others the encoder."""
    if source.weights is None:
        seed_everything(seed, "weights")
        return new_encoder(source.net).eval()
    model, _ = load_model(source.weights.header, size=source.size)
    whole = isinstance(model, (Classifier, TimmClassifier, TimmEncoder))
    return model if whole else timm_encoder_of(model) or encoder_of(model)


def _net(
    source: NetSource,
    model: nn.Module,
    images: ImageList,
    peers: Peers,
    *,
    batch_size: int,
    reporter: Reporter,
) -> AnalysedNet:
    """The net with what it did in one pass over the images."""
    viewing = Viewing(
        size=source.size,
        loader=source.loader,
        channels=source.net.channels,
        batch_size=batch_size,
    )
    found: Iterable[Batch] = viewing.batches(images, peers)
    if peers.leads:
        total = -(-len(images) // peers.size)
        found = reporter.track(found, f"looking into {source.name}", total)
    return AnalysedNet(
        name=source.name,
        classes=None if source.weights is None else source.weights.classes,
        viewing=viewing,
        model=model,
        inside=look_inside(model, found, peers),
    )


def _do(
    names: Iterable[What], subject: Subject, journal: Journal, reporter: Reporter
) -> tuple[list[AnalysisEntry], dict[str, str]]:
    """Writes the findings of each analysis, and the reason why some do not apply."""
    entries: list[AnalysisEntry] = []
    skipped: dict[str, str] = {}
    wanted = list(names)
    with reporter.counting("analysing", len(wanted)) as count:
        for name in wanted:
            try:
                found = ANALYSES[name](subject)
                entries += [write(finding, journal, subject.peers) for finding in found]
            except (DataError, CheckpointError) as reason:
                skipped[name] = str(reason)
            count(1)
    return entries, skipped


def write(finding: AnalysisFinding, journal: Journal, peers: Peers) -> AnalysisEntry:
    """Writes the picture and its numbers, and returns the entry of ``analysis.json``."""
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
