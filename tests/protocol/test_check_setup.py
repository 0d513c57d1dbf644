"""The first look, at batches that are out of the ordinary."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.cases import CPU, sgd, workload
from tests.layouts import LAYOUTS
from trainsense.errors import BatchSourceError
from trainsense.protocol import check_setup as module
from trainsense.protocol.check_setup import BATCHES_DIFFER, check_setup
from trainsense.records.evidence import Missing, Setup
from trainsense.runners.bench import Bench, prepare

NODES = torch.linspace(-1.0, 1.0, 12).reshape(4, 3)
EDGES = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.2, 0.3, 0.5]])
pytestmark = pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage:UserWarning")


class Graph(nn.Module):
    """Two layers of messages along the edges."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 1)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """Return one number for each node."""
        messages: Tensor = edges @ self.last(torch.relu(edges @ self.first(nodes)))
        return messages


def graph_bench(batches: Callable[[], Iterator[Any]]) -> Bench:
    """Return a bench on which the graph network learns the nodes' sums."""

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.mse_loss(model(*batch)[:, 0], batch[0].sum(1))

    return prepare(workload(model=Graph, data=batches, loss=loss, optimizer=sgd), CPU, 0)


@pytest.mark.parametrize("layout", ["COO", "uncoalesced", "CSR", "CSC"])
def test_sparse_batches(layout: str) -> None:
    """Values that are not finite are found in what is stored; batches that differ are told from those that do not."""

    def batches(value: float) -> Iterator[tuple[Tensor, Tensor]]:
        edges = EDGES.clone()
        edges[3, 1] = value
        yield NODES, LAYOUTS[layout](edges)

    seen = check_setup(graph_bench(lambda: batches(0.2)), 0).setup
    assert isinstance(seen, Setup)
    assert (seen.deterministic, seen.non_finite) == (True, ())
    seen = check_setup(graph_bench(lambda: batches(float("nan"))), 0).setup
    assert isinstance(seen, Setup)
    assert seen.non_finite[0] == (0, "batch[1]", 1)
    counted = iter(range(1, 1000))
    seen = check_setup(graph_bench(lambda: batches(next(counted) / 10)), 0).setup
    assert isinstance(seen, Setup)
    assert seen.likely_causes == (BATCHES_DIFFER,)


def test_a_look_that_fails_is_missing_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training goes on; what the batch source raises is its own fault."""

    def fail(_: object) -> list[tuple[str, int]]:
        msg = "odd batch"
        raise RuntimeError(msg)

    bench = graph_bench(lambda: iter([(NODES, EDGES)]))
    monkeypatch.setattr(module, "non_finite_values", fail)
    look = check_setup(bench, 0)
    assert isinstance(look.setup, Missing)
    assert look.setup.crashed
    assert (look.setup.kind, "RuntimeError: odd batch" in look.setup.reason) == ("Setup", True)
    assert look.steps == 24
    assert look.step_seconds > 0

    def ending(_: object) -> list[tuple[str, int]]:
        msg = "gone"
        raise BatchSourceError(msg, "")

    monkeypatch.setattr(module, "non_finite_values", ending)
    with pytest.raises(BatchSourceError):
        check_setup(bench, 0)
