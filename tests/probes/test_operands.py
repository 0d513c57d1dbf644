"""What layers read, and where nothing but data has been at work."""

from typing import Any

import torch
from torch import Tensor, nn

from trainsense.probes.normalised import is_only_way, normalised_readings, softmax_axis
from trainsense.probes.operands import is_lookup, location, operands, touched_by_layers
from trainsense.probes.structure import LiveLoss, live_loss, shown


def live(model: nn.Module, x: Tensor) -> LiveLoss:
    return live_loss(model, lambda one: one(x).square().mean(), lines=True)


class Products(nn.Module):
    """One weight from each side, a convolution and a table."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.table = nn.Linear(4, 6), nn.Conv1d(6, 5, 1), nn.Parameter(torch.randn(5, 3))
        self.left = nn.Parameter(torch.randn(2, 7))

    def forward(self, x: Tensor) -> Any:
        hidden = self.first(x)
        table = self.conv(hidden.T[None])[0].T @ self.table
        return self.left @ table


def test_operands_have_their_features_last() -> None:
    seen = live(Products(), torch.randn(7, 4))
    found = list(operands(seen))
    assert {tuple(one.rows.shape) for one in found} == {(7, 4), (7, 6), (7, 5), (3, 7)}
    assert [one.rows.shape[1] for one in found if is_lookup(seen.graph, one)] == [5]
    place = location(seen, next(one.op for one in found if one.rows.shape[1] == 4))
    assert (place.module, place.file) == ("first", shown(__file__))


def test_entries_are_untouched() -> None:
    seen = live(nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)), torch.randn(7, 4))
    touched = touched_by_layers(seen.graph)
    assert [one.source is not None and touched[one.source] for one in operands(seen)] == [False, True]


def test_frozen_layers_count_as_layers() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    model[0].requires_grad_(requires_grad=False)
    seen = live(model, torch.randn(7, 4))
    touched = touched_by_layers(seen.graph)
    assert [one.source is not None and touched[one.source] for one in operands(seen)] == [True]


def test_a_softmax_and_its_axis() -> None:
    seen = live(nn.Sequential(nn.Linear(4, 6), nn.Softmax(-1), nn.Linear(6, 2)), torch.randn(7, 4))
    (found,) = normalised_readings(seen, 7)
    assert (found.kind, found.features) == ("softmax", 6)
    assert is_only_way(seen.graph, frozenset([found.op]), found.op)
    axes = [softmax_axis(seen, index) for index in range(len(seen.graph.ops))]
    assert [axis for axis in axes if axis is not None] == [-1]
