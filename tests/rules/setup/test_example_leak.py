"""Examples that see each other; not graphs, sequences given time first, or normalisation by running statistics."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.looking import findings, judgements_on
from tests.rules.setup.digits import Written, batches, mlp, on_digits, rows
from trainsense.records.finding import NotAssessed, Passed

RULE = "example-leak"


def recurrent(**options: Any) -> nn.Module:
    def forward(own: Any, x: Tensor) -> Tensor:
        out = own.layer(x)[0]
        return own.head(out[-1] if options.get("last_first") else out[:, -1])  # type: ignore[no-any-return]

    first = {"batch_first": True} if options.get("batch_first") else {}
    return Written(forward, layer=nn.LSTM(8, 16, **first), head=nn.Linear(16, 10))


def encoder(*, batch_first: bool) -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=batch_first)
    return Written(lambda own, x: own.head(own.layer(x).mean(1)), layer=layer, head=nn.Linear(8, 10))


class Changed(nn.Module):
    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.change = mlp(), change

    def forward(self, x: Tensor) -> Tensor:
        return self.change(self.net(x))


def test_a_recurrent_layer_that_takes_the_batch_for_time() -> None:
    found = findings(on_digits(recurrent, data=batches(rows)))[RULE]
    assert found.severity == "error"
    assert "batch_first" in found.detail


def test_attention_over_the_batch() -> None:
    assert RULE in findings(on_digits(lambda: encoder(batch_first=False), data=batches(rows)))


@pytest.mark.parametrize(
    "change", [lambda x: x - x.mean(0), lambda x: x.softmax(0), lambda x: x.cumsum(0), lambda x: x / x.norm(dim=0)]
)
def test_sums_along_the_batch(change: Callable[[Tensor], Tensor]) -> None:
    assert RULE in findings(on_digits(lambda: Changed(change)))


def test_a_softmax_across_the_batch_is_located() -> None:
    found = findings(on_digits(lambda: nn.Sequential(mlp(), nn.Softmax(0))))[RULE]
    assert found.severity == "error"
    assert found.locations[0].module == "1"


def test_norms() -> None:
    def normed(**options: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32, **options), nn.ReLU(), nn.Linear(32, 10))

    assert findings(on_digits(lambda: normed(track_running_stats=False)))[RULE].severity == "warning"
    assert RULE not in findings(on_digits(normed))


def test_sequences_the_right_way_round() -> None:
    said = judgements_on(on_digits(lambda: recurrent(batch_first=True), data=batches(rows)))
    assert isinstance(said[RULE], Passed)
    assert RULE not in findings(on_digits(lambda: encoder(batch_first=True), data=batches(rows)))


@pytest.mark.parametrize("examples", [32, 8])
def test_time_first(examples: int) -> None:
    data = batches(lambda x: rows(x).transpose(0, 1).contiguous(), examples)
    said = judgements_on(on_digits(lambda: recurrent(last_first=True), data=data))
    assert isinstance(said[RULE], Passed), said[RULE]


EDGES = torch.stack([torch.arange(30), (torch.arange(30) * 7 + 3) % 30])


def graphs() -> Iterator[Any]:
    for _ in range(3):
        x = torch.randn(30, 4)
        yield x, (x[:, 0] > 0).long()


def gathered(own: Any, x: Tensor) -> Tensor:
    hidden = own.layer(x).relu()
    return own.head(hidden.index_add(0, EDGES[1], hidden[EDGES[0]]))  # type: ignore[no-any-return]


def multiplied(own: Any, x: Tensor) -> Tensor:
    adjacency = torch.zeros(30, 30).index_put((EDGES[1], EDGES[0]), torch.ones(()))
    return own.head(adjacency @ own.layer(x).relu())  # type: ignore[no-any-return]


@pytest.mark.parametrize("forward", [gathered, multiplied])
def test_graphs_relate_rows_by_design(forward: Callable[[Any, Tensor], Tensor]) -> None:
    def model() -> nn.Module:
        return Written(forward, layer=nn.Linear(4, 8), head=nn.Linear(8, 2))

    assert isinstance(judgements_on(on_digits(model, data=graphs))[RULE], NotAssessed)


def test_one_sequence_as_a_batch() -> None:
    def sequences() -> Iterator[Any]:
        for _ in range(3):
            x = torch.randn(30, 4)
            yield x, (x[:, 0].cumsum(0) > 0).long()

    def model() -> nn.Module:
        return Written(lambda own, x: own.head(own.layer(x)[0]), layer=nn.LSTM(4, 8), head=nn.Linear(8, 2))

    assert isinstance(judgements_on(on_digits(model, data=sequences))[RULE], NotAssessed)
