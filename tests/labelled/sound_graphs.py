"""Sound: graphs and sets, whose rows are no examples."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    adam,
    drawn,
    shuffled,
)
from trainsense import Workload


class GraphNet(nn.Module):
    """Sums messages along edges, twice; classifies nodes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(2 * inputs, 24), nn.Linear(48, 24), nn.Linear(24, outputs)

    @staticmethod
    def gathered(x: Tensor, edges: Tensor) -> Tensor:
        """Add to every node the mean of its neighbours, side by side."""
        received = torch.zeros_like(x).index_add(0, edges[1], x[edges[0]])
        degree = torch.zeros(len(x), 1).index_add(0, edges[1], torch.ones(edges.shape[1], 1))
        return torch.cat([x, received / degree.clamp(min=1)], dim=1)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        x = functional.relu(self.first(self.gathered(nodes, edges)))
        return self.head(functional.relu(self.second(self.gathered(x, edges))))


CLUSTER: Final = torch.arange(90) % 3


NODES: Final = drawn(90, 8, seed=30) + 0.5 * drawn(3, 8, seed=31)[CLUSTER]


EDGES: Final = torch.randint(90, (2, 1200), generator=torch.Generator().manual_seed(4))


KEPT: Final = EDGES[:, (CLUSTER[EDGES[0]] == CLUSTER[EDGES[1]]) | (torch.arange(1200) % 5 == 0)]


def _node_loss(model: nn.Module, batch: Any) -> Tensor:
    return functional.cross_entropy(model(batch["nodes"], batch["edges"]), batch["labels"])


def nodes_of_one_graph() -> Workload:
    """The whole graph is the batch: neighbours are meant to matter."""
    graph = {"nodes": NODES, "edges": KEPT, "labels": CLUSTER}
    return Workload(model=lambda: GraphNet(8, 3), data=lambda: [graph] * 10, loss=_node_loss, optimizer=adam, lr=0.01)


class GraphClassifier(nn.Module):
    """Pools the nodes of each graph of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.head = GraphNet(4, 16), nn.Linear(16, 2)

    def forward(self, nodes: Tensor, edges: Tensor, graph: Tensor) -> Tensor:
        x = self.net(nodes, edges)
        count = int(graph.max()) + 1
        pooled = torch.zeros(count, 16).index_add(0, graph, x)
        return self.head(pooled / torch.bincount(graph, minlength=count)[:, None])


def small_graphs() -> Any:
    """Yield eight graphs at a time: rings and stars of three to nine nodes, as one disjoint union."""
    for _ in range(40):
        nodes, edges, graph, start = [], [], [], 0
        labels = torch.randint(2, (8,))
        for index, star in enumerate(labels.tolist()):
            size = int(torch.randint(3, 10, ()))
            ring = torch.arange(size)
            pair = torch.stack([torch.zeros_like(ring) if star else ring, (ring + 1) % size])
            edges.append(torch.cat([pair, pair.flip(0)], dim=1) + start)
            nodes.append(
                torch.cat([torch.bincount(pair.flatten(), minlength=size)[:, None] / 2, torch.randn(size, 3)], dim=1)
            )
            graph.append(torch.full((size,), index))
            start += size
        yield {"nodes": torch.cat(nodes), "edges": torch.cat(edges, dim=1), "graph": torch.cat(graph), "labels": labels}


def batches_of_small_graphs() -> Workload:
    """Rows are nodes, not examples; sizes change from batch to batch."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.cross_entropy(model(batch["nodes"], batch["edges"], batch["graph"]), batch["labels"])

    return Workload(model=GraphClassifier, data=small_graphs, loss=loss, optimizer=adam, lr=0.01)


class SetReader(nn.Module):
    """The sum over the members of a set, padding masked."""

    def __init__(self) -> None:
        super().__init__()
        self.member, self.net = mlp(2, 24, 24), mlp(24, 24, 1)

    def forward(self, members: Tensor, mask: Tensor) -> Tensor:
        return self.net((self.member(members) * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True))


SETS: Final = drawn(512, 10, 2, seed=32)


SIZES: Final = torch.arange(10) < torch.randint(3, 11, (512, 1), generator=torch.Generator().manual_seed(5))


SPREAD: Final = ((SETS.prod(dim=2) * SIZES).sum(dim=1, keepdim=True)) / SIZES.sum(dim=1, keepdim=True)


def sets_of_different_size() -> Workload:
    """Members beyond the size are ignored, rightly."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.mse_loss(model(batch[0] * batch[1][..., None], batch[1]), batch[2])

    return Workload(model=SetReader, data=shuffled(32, SETS, SIZES, SPREAD), loss=loss, optimizer=adam, lr=5e-3)


CASES: Final = (
    sound(nodes_of_one_graph, "example-leak"),
    sound(batches_of_small_graphs, "example-leak", "labels-mismatch"),
    sound(sets_of_different_size, "ignores-input"),
)
