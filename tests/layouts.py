"""The same four rows in every layout that a batch may hold."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

ROWS: Final = torch.tensor([[1.0, 0.0, 0.0, 2.0], [0.0, 3.0, 0.0, 0.0], [4.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.0, 6.0]])


def uncoalesced(rows: Tensor) -> Tensor:
    """Return a sparse tensor that holds every value in two halves."""
    whole = rows.to_sparse()
    return torch.sparse_coo_tensor(
        torch.cat([whole.indices(), whole.indices()], dim=1),
        torch.cat([whole.values(), whole.values()]) / 2,
        tuple(rows.shape),
        check_invariants=True,
    )


def as_nested(layout: torch.layout) -> Callable[[Tensor], Tensor]:
    """Return what makes a nested tensor of rows with two columns each, of which the first is one row, the last three."""

    def made(rows: Tensor) -> Tensor:
        pairs = rows.reshape(-1, 2)
        return torch.nested.nested_tensor([pairs[:1], pairs[1:3], pairs[3:5], pairs[5:]], layout=layout)

    return made


LAYOUTS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "strided": lambda rows: rows.clone(),
    "COO": lambda rows: rows.to_sparse(),
    "uncoalesced": uncoalesced,
    "hybrid": lambda rows: rows.to_sparse(1),
    "CSR": lambda rows: rows.to_sparse_csr(),
    "CSC": lambda rows: rows.to_sparse_csc(),
    "BSR": lambda rows: rows.to_sparse_bsr((2, 2)),
    "BSC": lambda rows: rows.to_sparse_bsc((2, 2)),
    "nested": as_nested(torch.strided),
    "jagged": as_nested(torch.jagged),
}
