"""Which values of a batch are not finite."""

from typing import Any

import torch

from trainsense.batches import tensors_of


def non_finite_values(batch: Any) -> list[tuple[str, int]]:
    """Return `(where in the batch, count)` for every tensor with NaN or infinite values.

    >>> non_finite_values([torch.tensor([1.0, float("nan")]), torch.tensor([1, 2])])
    [('batch[0]', 1)]
    """
    found = []
    for path, tensor in tensors_of(batch):
        if tensor.is_floating_point() or tensor.is_complex():
            count = int((~torch.isfinite(tensor)).sum())
            if count:
                found.append((path, count))
    return found
