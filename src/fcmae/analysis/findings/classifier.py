"""The analyses of a classifier: Grad-CAM, and the mistakes that it is surest of."""

from typing import Any

import torch

from fcmae.analysis.blocks import BlockPlace
from fcmae.analysis.findings.subject import AnalysisFinding, Subject, needs_labels
from fcmae.analysis.grad_cam import grad_cam
from fcmae.analysis.maps import grid
from fcmae.analysis.mistakes import Mistake, confident_mistakes
from fcmae.analysis.sheets import SheetCell, sheet
from fcmae.errors import DataError
from fcmae.evaluation.class_names import class_names
from fcmae.evaluation.classify import predict
from fcmae.evaluation.forward import Outputs
from fcmae.model.classifier import Classifier
from fcmae.model.timm_net import TimmClassifier
from fcmae.types import Labels

PER_CLASS = 5
"""Mistakes of a class on the sheet."""


def evidence(subject: Subject) -> list[AnalysisFinding]:
    """Draws where the evidence for the likeliest class of some images lies."""
    model = _classifier(subject)
    rows = subject.drawn(subject.rows)
    images = subject.normalised(rows)
    place = _speaking(subject.net.inside.places, model)
    maps, scores = grad_cam(model, place, images)
    height, width = grid(maps.shape[1], images.shape[-2], images.shape[-1])
    likely = scores.float().softmax(dim=1).max(dim=1)
    classes = _names(subject, scores.shape[1])
    called = [classes[i] for i in likely.indices.tolist()]
    heat = (maps / maps.amax(dim=1, keepdim=True).clamp(min=torch.finfo().tiny)).cpu()
    cells: list[SheetCell] = []
    for picture, name, other, sure, map_ in zip(
        subject.as_shown(images), subject.names(rows), called, likely.values.tolist(), heat,
        strict=True,
    ):  # fmt: skip
        over = map_.reshape(height, width)
        cells.append(SheetCell(picture=picture, caption=name))
        cells.append(SheetCell(picture=picture, caption=other, value=sure, heat=over))
    numbers: dict[str, Any] = {
        "path": subject.paths(rows),
        "called": called,
        "probability": likely.values.cpu().numpy(),
        "evidence": maps.cpu().numpy(),
    }
    nothing = int((maps.amax(dim=1) == 0).sum())
    return [
        AnalysisFinding(
            name="grad_cam",
            title=f"Grad-CAM: {place.name}",
            alt=f"{len(rows)} images, each beside itself under a heat map ({height} x {width}) of "
            "where the evidence for the class it is called lies; bright is much.",
            summary={"images": len(rows), "without positive evidence": nothing},
            numbers=numbers,
            draw=lambda path: sheet(
                [cells[i : i + 4] for i in range(0, len(cells), 4)],
                ["image", "evidence", "image", "evidence"],
                path,
            ),
        )
    ]


def _speaking(places: list[BlockPlace], model: Classifier | TimmClassifier) -> BlockPlace:
    """The last block whose positions have a say in the scores.

    Where the head sees the class token alone, that is the last but one.
    """
    by_token = isinstance(model, TimmClassifier) and model.encoder.pools_token
    return places[-2 if by_token and len(places) > 1 else -1]


def mistakes(subject: Subject) -> list[AnalysisFinding]:
    """The surest mistakes of each class, with the images."""
    model = _classifier(subject)
    needs_labels(subject, 1)
    outputs, classes = _predictions(subject, model)
    assert outputs.labels is not None
    found = confident_mistakes(outputs.rows, outputs.labels)
    numbers: dict[str, Any] = {
        "path": subject.paths([m.row for m in found]),
        "class": [classes[m.label] for m in found],
        "called": [classes[m.called] for m in found],
        "probability": [f"{m.confidence:.6f}" for m in found],
    }
    summary: dict[str, float | int | str] = {
        "accuracy": 1 - len(found) / len(outputs.labels),
        "mistakes": len(found),
        **_worst(found, outputs.labels, classes),
    }
    rows = _sheet_rows(subject, found, classes)
    alt = f"{len(found)} of {len(outputs.labels)} images were called another class than their own."
    return [
        AnalysisFinding(
            name="mistakes",
            title="Surest mistakes",
            alt=f"{alt} A row for each of {len(rows)} classes shows its surest mistakes, with the "
            "class that the image was called and the probability.",
            summary=summary,
            numbers=numbers,
            draw=None if not rows else lambda path: sheet(rows, (), path),
        )
    ]


def _classifier(subject: Subject) -> Classifier | TimmClassifier:
    model = subject.net.model
    if not isinstance(model, (Classifier, TimmClassifier)):
        raise DataError(f"{subject.net.name} is not a classifier.")
    return model


def _predictions(subject: Subject, model: Classifier | TimmClassifier) -> tuple[Outputs, list[str]]:
    """The probabilities of all images, with labels by the model's classes, and their names."""
    names = class_names(
        subject.images,
        known=subject.net.classes,
        number=model.head.out_features,
        source=subject.net.name,
    )
    images = subject.images.with_classes(names)
    outputs = predict(model, subject.net.viewing.batches(images, subject.peers), subject.peers)
    return outputs, list(images.classes or ())


def _names(subject: Subject, number: int) -> list[str]:
    known = subject.net.classes
    if known is None and len(subject.classes) == number:
        return subject.classes
    return list(known) if known else [f"class {i}" for i in range(number)]


def _worst(found: list[Mistake], labels: Labels, classes: list[str]) -> dict[str, str]:
    """The class of which the largest share was called another."""
    if not found:
        return {}
    wrong = torch.bincount(torch.tensor([m.label for m in found]), minlength=len(classes))
    shares = wrong / torch.bincount(labels, minlength=len(classes)).clamp(min=1)
    worst = int(shares.argmax())
    return {"class with most": f"{classes[worst]} ({shares[worst]:.0%} wrong)"}


def _sheet_rows(
    subject: Subject, found: list[Mistake], classes: list[str]
) -> list[list[SheetCell]]:
    """A row of pictures for each of the classes with the most mistakes."""
    of_class = {label: [m for m in found if m.label == label] for label in {m.label for m in found}}
    most = sorted(of_class, key=lambda label: (-len(of_class[label]), label))
    return [
        _sheet_row(subject, of_class[label][:PER_CLASS], classes) for label in most[: subject.rows]
    ]


def _sheet_row(subject: Subject, found: list[Mistake], classes: list[str]) -> list[SheetCell]:
    pictures = subject.shown([m.row for m in found])
    return [
        SheetCell(
            picture=picture,
            caption=f"→ {classes[m.called]}",
            value=m.confidence,
            side="" if place else classes[m.label],
        )
        for place, (m, picture) in enumerate(zip(found, pictures, strict=True))
    ]
