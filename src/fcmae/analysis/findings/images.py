"""The analyses that show images: activation maps, neighbours, maps of all images."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fcmae.analysis import projection
from fcmae.analysis.blocks import last_of_stages
from fcmae.analysis.findings.subject import AnalysisFinding, Subject, look_at
from fcmae.analysis.inactive import dead_maps, saturated_maps
from fcmae.analysis.maps import activation_maps
from fcmae.analysis.nearest import nearest
from fcmae.analysis.scatter import class_scatter
from fcmae.analysis.sheets import RIGHT, WRONG, SheetCell, map_sheet, sheet
from fcmae.data.listing import find_images
from fcmae.errors import DataError
from fcmae.randomness import permutation
from fcmae.types import Images

MAX_MAPS = 64
"""Maps on a sheet, as many as figure 3 of the paper has."""


def maps(subject: Subject) -> list[AnalysisFinding]:
    """A sheet of activation maps for each of some blocks."""
    places, wanted = subject.net.inside.places, subject.maps
    name, image = _image_of_maps(subject)
    if wanted.blocks is not None and max(wanted.blocks) > len(places):
        raise DataError(f"maps.blocks is {wanted.blocks}, but the net has {len(places)} blocks.")
    chosen = last_of_stages(places) if wanted.blocks is None else [b - 1 for b in wanted.blocks]
    return [_maps_of_block(subject, index, name, image) for index in chosen]


def _maps_of_block(subject: Subject, index: int, name: str, image: Images) -> AnalysisFinding:
    place = subject.net.inside.places[index]
    found = activation_maps(subject.net.model, place, image)
    channels = _channels(subject, index, len(found))
    flat = found.flatten(1).T[None]
    dead, saturated = dead_maps(flat)[0], saturated_maps(flat)[0]
    states = [
        "dead" if d else "saturated" if s else "active"
        for d, s in zip(dead.tolist(), saturated.tolist(), strict=True)
    ]
    drawn = found[channels]
    counts = {state: states.count(state) for state in ("active", "dead", "saturated")}
    summary: dict[str, float | int | str] = {"image": name, "channels": len(found), **counts}
    marks = {"dead": " dead", "saturated": " sat.", "active": ""}
    numbers: dict[str, Any] = {
        "channel": np.array(channels),
        "state": [states[c] for c in channels],
        "min": drawn.amin(dim=(1, 2)).numpy(),
        "max": drawn.amax(dim=(1, 2)).numpy(),
        "mean": drawn.mean(dim=(1, 2)).numpy(),
        "std": drawn.std(dim=(1, 2), correction=0).numpy(),
    }
    return AnalysisFinding(
        name=f"activation_maps-stage-{place.stage}-block-{place.number}",
        title=f"Activation maps: {place.name}",
        alt=f"An image and {len(channels)} of the {len(found)} activation maps that {place.name} "
        f"has of it, in one scale of colours. Of all maps {counts['dead']} are dead and "
        f"{counts['saturated']} saturated.",
        summary=summary,
        numbers=numbers,
        draw=partial(
            map_sheet, subject.as_shown(image)[0], drawn,
            [f"{c}{marks[states[c]]}" for c in channels], title=place.name,
        ),
    )  # fmt: skip


def _image_of_maps(subject: Subject) -> tuple[str, Images]:
    """The image that the user names, or one of those that were looked at."""
    path = subject.maps.image
    if path is None:
        rows = subject.drawn(1)
        return subject.paths(rows)[0], subject.normalised(rows)
    if not path.is_file():
        raise DataError(f"maps.image is {path}, but must be the file of one image.")
    return path.name, look_at(find_images(path), subject.net.viewing, subject.peers)[:1]


def _channels(subject: Subject, index: int, width: int) -> list[int]:
    wanted = subject.maps.channels
    if wanted is None:
        order = permutation(subject.seed, "channels", index, length=width)
        return sorted(order[:MAX_MAPS].tolist())
    if max(wanted) >= width:
        place = subject.net.inside.places[index]
        raise DataError(f"maps.channels is {wanted}, but {place.name} has {width}, from 0.")
    return wanted


def neighbours(subject: Subject) -> list[AnalysisFinding]:
    """Some images, each with those that the net takes for most alike."""
    queries = subject.drawn(subject.rows)
    vectors = subject.net.inside.images.rows
    found, cosines = nearest(vectors, torch.tensor(queries), subject.k)
    width = found.shape[1]
    summary: dict[str, float | int | str] = {"mean cosine": float(cosines.mean())}
    alt = f"{len(queries)} images, each followed by its {width} nearest neighbours."
    if subject.labels is not None:
        near = nearest(vectors, torch.arange(len(vectors)), subject.k)[0]
        share = float((subject.labels[near] == subject.labels[:, None]).double().mean())
        summary["neighbours of the same class"] = share
        alt += f" Of the neighbours of all images, {share:.0%} are of the same class; a blue frame "
        alt += "marks those, an orange one the others."
    rows = _neighbour_rows(subject, queries, found, cosines)
    titles = ["image", *(f"nearest {i + 1}" for i in range(width))]
    return [
        AnalysisFinding(
            name="nearest_neighbours",
            title="Nearest neighbours",
            alt=alt,
            summary=summary,
            numbers=_neighbour_table(subject, queries, found, cosines),
            draw=lambda path: sheet(rows, titles, path),
        )
    ]


def _neighbour_table(
    subject: Subject, queries: list[int], found: Tensor, cosines: Tensor
) -> dict[str, Any]:
    """A row for each image and neighbour."""
    width, flat = found.shape[1], found.flatten().tolist()
    each = [query for query in queries for _ in range(width)]
    numbers: dict[str, Any] = {
        "image": subject.paths(each),
        "rank": np.tile(np.arange(1, width + 1), len(queries)),
        "neighbour": subject.paths(flat),
        "cosine": cosines.flatten().numpy(),
    }
    if subject.labels is not None:
        numbers |= {"class": subject.names(each), "class_of_neighbour": subject.names(flat)}
    return numbers


def _neighbour_rows(
    subject: Subject, queries: list[int], found: Tensor, cosines: Tensor
) -> list[list[SheetCell]]:
    """The pictures of the sheet."""
    shown = sorted({*queries, *found.flatten().tolist()})
    pictures = dict(zip(shown, subject.shown(shown), strict=True))
    names = dict(zip(shown, subject.names(shown), strict=True))
    rows = []
    for query, near, like in zip(queries, found.tolist(), cosines.tolist(), strict=True):
        frames = [RIGHT if names[row] == names[query] else WRONG for row in near]
        rows.append(
            [
                SheetCell(picture=pictures[query], caption=names[query]),
                *(
                    SheetCell(
                        picture=pictures[row],
                        caption=names[row],
                        value=cosine,
                        frame=None if subject.labels is None else frame,
                    )
                    for row, cosine, frame in zip(near, like, frames, strict=True)
                ),
            ]
        )
    return rows


def pca(subject: Subject) -> list[AnalysisFinding]:
    """All images along the two directions of the largest variance."""
    points, shares = projection.pca(subject.net.inside.images.rows)
    first, second = shares.tolist()
    axes = (f"first direction ({first:.0%} of variance)", f"second ({second:.0%})")
    variances = {"variance of the first": first, "variance of the second": second}
    return [_scatter(subject, "pca", "PCA", points, variances=variances, axes=axes)]


def tsne(subject: Subject) -> list[AnalysisFinding]:
    """All images as t-SNE places them."""
    return _by_library(subject, "tsne", "t-SNE", "sklearn")


def umap(subject: Subject) -> list[AnalysisFinding]:
    """All images as UMAP places them."""
    return _by_library(subject, "umap", "UMAP", "umap")


def _by_library(subject: Subject, name: str, title: str, library: str) -> list[AnalysisFinding]:
    if reason := projection.missing(library):
        raise DataError(reason)
    make = {"tsne": projection.tsne, "umap": projection.umap}[name]
    points = make(subject.net.inside.images.rows, seed=subject.seed)
    return [_scatter(subject, name, title, points)]


def _scatter(
    subject: Subject,
    name: str,
    title: str,
    points: Tensor,
    *,
    variances: dict[str, float] | None = None,
    axes: tuple[str, str] | None = None,
) -> AnalysisFinding:
    everyone = range(len(points))
    numbers: dict[str, Any] = {
        "path": subject.paths(everyone),
        "x": points[:, 0].numpy(),
        "y": points[:, 1].numpy(),
    }
    alt = f"{title} of the features of {len(points)} images, a point each"
    summary: dict[str, float | int | str] = {"images": len(points), **(variances or {})}
    if subject.labels is not None:
        numbers["class"] = subject.names(everyone)
        near = _closest(points)
        share = float((subject.labels[near] == subject.labels).double().mean())
        summary["nearest point of the same class"] = share
        alt += f", coloured by class; the nearest point is of the same class for {share:.0%}"
    return AnalysisFinding(
        name=name,
        title=f"{title} of the features",
        alt=f"{alt}.",
        summary=summary,
        numbers=numbers,
        draw=lambda path: class_scatter(
            points, subject.labels, subject.classes, path, axes_names=axes
        ),
    )


def _closest(points: Tensor) -> Tensor:
    """The nearest other point of each."""
    distances = torch.cdist(points.double(), points.double()).fill_diagonal_(torch.inf)
    return distances.argmin(dim=1)
