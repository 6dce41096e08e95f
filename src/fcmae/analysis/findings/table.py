"""Every analysis by its name, in the order in which they are done."""

from collections.abc import Callable

from fcmae.analysis.findings.blocks import (
    class_selectivity,
    effective_ranks,
    feature_distance,
    inactive_channels,
    similarity,
)
from fcmae.analysis.findings.classifier import evidence, mistakes
from fcmae.analysis.findings.images import maps, neighbours, pca, tsne, umap
from fcmae.analysis.findings.subject import AnalysisFinding, Subject
from fcmae.analysis.options import What

ANALYSES: dict[What, Callable[[Subject], list[AnalysisFinding]]] = {
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
