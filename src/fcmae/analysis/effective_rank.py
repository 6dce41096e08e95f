"""Measures the effective rank of features (RankMe, arXiv 2210.02885)."""

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.errors import DataError


def effective_rank(features: Float[Tensor, "n c"]) -> float:
    """The exponential of the entropy of the singular values, taken as shares of their sum.

    1 where all rows are multiples of one vector, and min(n, c) where all directions are used
    alike; 0 where all is zero.

    Raises:
        DataError: A feature is not finite.
    """
    if not features.isfinite().all():
        raise DataError("the effective rank needs finite features, but some are NaN or infinite.")
    values = torch.linalg.svdvals(features.double())
    total = values.sum()
    if total == 0:
        return 0.0
    shares = values / total
    return float(torch.exp(-torch.special.xlogy(shares, shares).sum()))
