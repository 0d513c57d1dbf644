"""Whether scores are probabilities already."""

from typing import Final

import torch
from torch import Tensor

_EXACT: Final = 1e-3
"""Probabilities sum to 1 within this."""
_HALF: Final = 2e-2
"""The same in half precision."""


def are_probabilities(scores: Tensor) -> bool:
    """Return whether every row of `scores`, shape (predictions, classes), is non-negative and sums to 1."""
    if scores.shape[1] < 2:
        return False
    error = _HALF if scores.dtype in {torch.float16, torch.bfloat16} else _EXACT
    sums = scores.float().sum(dim=1)
    return bool((scores >= -_EXACT).all()) and bool(((sums - 1).abs() <= error).all())
