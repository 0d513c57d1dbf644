"""Which values of a batch are not finite."""

from contextlib import suppress
from typing import Any

import torch

from trainsense.batches import dense_parts, tensors_of


def non_finite_values(batch: Any) -> list[tuple[str, int]]:
    """Return `(where in the batch, count)` for every tensor with NaN or infinite values.

    Of a sparse tensor what it stores is looked at; what cannot be looked at, a type without arithmetic say, is left out.

    >>> non_finite_values([torch.tensor([1.0, float("nan")]), torch.tensor([1, 2])])
    [('batch[0]', 1)]
    """
    found = []
    for path, tensor in tensors_of(batch):
        with suppress(NotImplementedError, RuntimeError):
            parts = [one for one in dense_parts(tensor) if one.is_floating_point() or one.is_complex()]
            count = sum(int((~torch.isfinite(part)).sum()) for part in parts)
            if count:
                found.append((path, count))
    return found
