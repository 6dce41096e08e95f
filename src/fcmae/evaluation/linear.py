"""A linear classifier on frozen features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fcmae.errors import DataError
from fcmae.evaluation.accuracy import ClassificationResult, accuracy
from fcmae.evaluation.forward import Outputs
from fcmae.randomness import bits
from fcmae.types import Labels

WEIGHT_DECAYS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""What the probe chooses from."""

HELD_OUT = 0.2
"""Share of each class's training images that the choice is made on."""


@dataclass(frozen=True, kw_only=True)
class LinearProbe:
    """The result, and how its weight decay was chosen.

    Attributes:
        result: Accuracy on the test images.
        weight_decay: The one that was best on the held-out training images.
        sweep: Held-out accuracy of each weight decay.
    """

    result: ClassificationResult
    weight_decay: float
    sweep: dict[float, float]


def linear_probe(
    train: Outputs,
    test: Outputs,
    classes: Sequence[str],
    *,
    weight_decays: Sequence[float] = WEIGHT_DECAYS,
    seed: int = 0,
    device: torch.device | None = None,
) -> LinearProbe:
    """Logistic regression on features that are standardised by the training images.

    The weight decay is chosen on a part of ``train``, then all of it is fitted once more; ``test``
    is looked at once. The fit is convex and full-batch, so only the choice depends on the seed.
    """
    if train.labels is None:
        raise DataError("a linear probe learns from labels, but the training images have none.")
    standardise = _standardiser(train.rows, device)
    x, y = standardise(train.rows), train.labels.to(device)
    sweep = sweep_weight_decays(
        x, y, choose_held_out(train.labels, train.indices, seed).to(device), weight_decays
    )
    # Of equally good ones the largest, which is the simplest classifier.
    best = max(sweep, key=lambda decay: (sweep[decay], decay))

    head = new_head(x.shape[1], len(classes), device)
    fit(head, x, y, best)
    with torch.no_grad():
        scores = head(standardise(test.rows)).cpu()
    rows = Outputs(indices=test.indices, rows=scores, labels=test.labels, unusable=test.unusable)
    return LinearProbe(result=accuracy(rows, classes), weight_decay=best, sweep=sweep)


def sweep_weight_decays(
    x: Float[Tensor, "n c"],
    y: Labels,
    held_out: Bool[Tensor, " n"],
    weight_decays: Sequence[float],
) -> dict[float, float]:
    """Held-out accuracy of each weight decay, each fit starting where the larger one ended."""
    head = new_head(x.shape[1], int(y.max()) + 1, x.device)
    sweep = {}
    for decay in sorted(weight_decays, reverse=True):
        fit(head, x[~held_out], y[~held_out], decay)
        sweep[decay] = share_right(head, x[held_out], y[held_out])
    return sweep


def _standardiser(
    rows: Float[Tensor, "n c"], device: torch.device | None
) -> Callable[[Float[Tensor, "n c"]], Float[Tensor, "n c"]]:
    mean, std = rows.mean(dim=0), rows.std(dim=0, correction=0)
    # A feature that never changes says nothing; dividing by its tiny deviation would make it noise.
    scale = torch.where(std > 1e-6 * (1 + mean.abs()), 1 / std, torch.zeros_like(std))
    return lambda x: ((x - mean) * scale).to(device)


def choose_held_out(labels: Labels, indices: Labels, seed: int) -> Bool[Tensor, " n"]:
    """A share of each class, drawn by image; a class of one image stays in training."""
    draw = np.asarray(bits(seed, "held out", indices.numpy()))
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels.numpy()):
        members = np.flatnonzero(labels.numpy() == label)
        members = members[np.argsort(draw[members], kind="stable")]
        held_out[members[: min(max(1, round(HELD_OUT * len(members))), len(members) - 1)]] = True
    if not held_out.any():
        raise DataError(
            "a linear probe needs at least two training images of some class, "
            "one to learn from and one to choose its weight decay on."
        )
    return torch.from_numpy(held_out)


def new_head(num_features: int, num_classes: int, device: torch.device | None) -> nn.Linear:
    """A linear layer of zeros."""
    # By way of the meta device, because the usual initialisation would draw random numbers.
    head = nn.Linear(num_features, num_classes, device="meta").to_empty(device=device or "cpu")
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def fit(
    head: nn.Linear, x: Float[Tensor, "n c"], y: Labels, weight_decay: float, *, steps: int = 200
) -> None:
    """Minimise cross-entropy plus half the weight decay times the squared weights, by L-BFGS."""
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=steps, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )

    def loss() -> float:
        optimizer.zero_grad()
        value = F.cross_entropy(head(x), y) + 0.5 * weight_decay * head.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value.item()

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]


def share_right(head: nn.Linear, x: Float[Tensor, "n c"], y: Labels) -> float:
    """Top-1 accuracy."""
    with torch.no_grad():
        return int((head(x).argmax(dim=1) == y).sum()) / len(y)
