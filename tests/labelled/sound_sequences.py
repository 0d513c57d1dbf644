"""Sound: recurrent networks, sets and graphs."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer, RMSprop

from tests.labelled.case import sound
from tests.labelled.faulty_data import RECORDINGS, RHYTHM, mlp
from tests.labelled.faulty_layers import SUMMED, TOTAL
from tests.labelled.faulty_ranges import CHANGE, SERIES
from tests.labelled.ingredients import (
    CHARACTERS,
    DIGITS,
    LABELS,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    drawn,
    explained,
    momentum,
    next_character,
    shuffled,
    squared_error,
    windows,
)
from trainsense import Workload


class TimeFirst(nn.Module):
    """A language model that reads (time, batch)."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.cells, self.head = nn.Embedding(CHARACTERS, 24), nn.LSTM(24, 48), nn.Linear(48, CHARACTERS)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.cells(self.tokens(tokens))[0])


def time_first_batches() -> Any:
    """Yield (time, batch) characters and their successors."""
    for batch in windows(8, 20)():
        yield {"tokens": batch["tokens"].T.contiguous(), "targets": batch["targets"].T.contiguous()}


def time_first_lstm() -> Workload:
    """The first axis of the batch is time, as torch's LSTM expects."""
    return Workload(model=TimeFirst, data=time_first_batches, loss=next_character, optimizer=adam, lr=0.01)


class SeriesReader(nn.Module):
    """A bidirectional GRU of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(2, 16, num_layers=2, batch_first=True, bidirectional=True, dropout=0.1)
        self.head = nn.Linear(32, 1)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.cells(series)[0].mean(dim=1)).squeeze(-1)


def gru_regression() -> Workload:
    """Predictions and targets are both (N,)."""
    return Workload(model=SeriesReader, data=shuffled(16, SERIES, CHANGE), loss=squared_error, optimizer=adam, lr=0.01)


def _rmsprop(model: nn.Module, lr: float) -> Optimizer:
    return RMSprop(model.parameters(), lr=lr, alpha=0.95)


class Summing(nn.Module):
    """A ReLU recurrence that starts as the identity (Le et al., 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.RNN(2, 24, nonlinearity="relu", batch_first=True), nn.Linear(24, 1)
        nn.init.eye_(self.cells.weight_hh_l0)
        nn.init.normal_(self.cells.weight_ih_l0, std=0.1)
        nn.init.zeros_(self.cells.bias_ih_l0)
        nn.init.zeros_(self.cells.bias_hh_l0)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.head(self.cells(sequence)[1][0])


def recurrence_that_starts_as_the_identity() -> Workload:
    """Its recurrent weights are a special matrix with equal rows nowhere; nothing explodes."""
    return Workload(
        model=Summing,
        data=shuffled(32, SUMMED[:, :20], TOTAL),
        loss=squared_error,
        optimizer=_rmsprop,
        lr=3e-3,
        clip_norm=1.0,
    )


class OrderedRows(nn.Module):
    """Plain tanh recurrence over the rows of an image, batch second."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.RNNCell(8, 40), nn.Linear(40, 10)

    def forward(self, rows: Tensor) -> Tensor:
        state = torch.zeros(len(rows), 40)
        for row in rows.unbind(dim=1):
            state = self.cell(row, state)
        return self.head(state)


def tanh_recurrence_over_eight_steps() -> Workload:
    """Gradients shrink over eight steps, and arrive."""
    return Workload(
        model=OrderedRows,
        data=shuffled(32, DIGITS.reshape(-1, 8, 8), LABELS),
        loss=cross_entropy,
        optimizer=adamw,
        lr=5e-3,
    )


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


def convolutions_over_time() -> Workload:
    """Dilated convolutions, pooled by their maximum."""

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Conv1d(1, 12, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(12, 12, 3, dilation=4, padding=4),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
            nn.Linear(12, 4),
        )

    return Workload(model=model, data=shuffled(32, RECORDINGS, RHYTHM), loss=cross_entropy, optimizer=momentum, lr=0.05)


def bigrams() -> Workload:
    """A table of logits, and nothing else: the embedding is the output."""
    return Workload(
        model=lambda: nn.Embedding(CHARACTERS, CHARACTERS),
        data=windows(16, 16),
        loss=next_character,
        optimizer=adam,
        lr=0.05,
    )


CASES: Final = (
    sound(time_first_lstm, "example-leak"),
    sound(gru_regression, "broadcast-loss", "vanishing-gradient", score=explained),
    sound(recurrence_that_starts_as_the_identity, "symmetric-init", "exploding-gradient", "dead-relu", score=explained),
    sound(tanh_recurrence_over_eight_steps, "vanishing-gradient", score=accuracy),
    sound(nodes_of_one_graph, "example-leak"),
    sound(batches_of_small_graphs, "example-leak", "labels-mismatch"),
    sound(sets_of_different_size, "ignores-input"),
    sound(convolutions_over_time, "missing-normalization", score=accuracy),
    sound(bigrams, "bad-initial-loss", "no-gradient"),
)
