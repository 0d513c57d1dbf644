"""Gradients that grow on their way back."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.layers.nets import ROWS, adam, he, mlp, residual, workload
from trainsense import Workload

RULE = "exploding-gradient"


def test_residual_blocks_that_keep_no_scale() -> None:
    """Twenty-four of them, from their He initialisation on."""
    found = findings(workload(residual(24), lr=1e-3))[RULE]
    assert found.severity == "error"
    assert "zero-init-residual" in found.fixes


def test_large_targets_are_no_explosion() -> None:
    """All gradients are large, and none larger than the next."""

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in ROWS.split(64):  # type: ignore[no-untyped-call]
            yield rows, 1e5 + 1e4 * rows[:, :1]

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.mse_loss(model(batch[0])[:, :1], batch[1])

    assert RULE not in findings(workload(mlp(6, nn.ReLU, he), data=data, loss=loss, optimizer=adam, lr=1e-3))


def test_zeroed_branches() -> None:
    """The same network, with a start that keeps the scale."""
    assert RULE not in findings(workload(residual(24, zero=True), lr=1e-3))


class Recurrent(nn.Module):
    """A recurrent layer whose last output is judged."""

    def __init__(self, cells: Any, gain: float | None = None, *, directions: int = 1) -> None:
        super().__init__()
        self.words, self.cells, self.head = nn.Embedding(10, 8), cells, nn.Linear(16 * directions, 2)
        if gain is not None:
            self.cells.weight_hh_l0.data.copy_(nn.init.orthogonal_(torch.empty(16, 16)) * gain)

    def forward(self, x: Tensor) -> Any:
        """Return the logits."""
        return self.head(self.cells(self.words(x))[0][:, -1])


def sequences() -> Iterator[tuple[Tensor, Tensor]]:
    """Draw words; the label is whether the last ones are large."""
    for _ in range(40):
        words = torch.randint(0, 10, (16, 40))
        yield words, (words[:, 20:].float().mean(1) > 4.5).long()


def read(cells: Any, gain: float | None = None, directions: int = 1) -> Workload:
    """Return a workload of a recurrent layer."""
    model = lambda: Recurrent(cells(), gain, directions=directions)  # noqa: E731
    return workload(model, data=sequences, optimizer=adam, lr=1e-3)


def test_through_time() -> None:
    """Recurrent weights that triple the gradient at every step."""
    found = findings(read(lambda: nn.RNN(8, 16, batch_first=True), 3.0))[RULE]
    assert "through time" in found.title
    assert "clip-grad-norm" in found.fixes
    assert found.locations[0].module == "cells"


def test_sound_recurrent_layers() -> None:
    """Orthogonal weights; a bidirectional stack, whose backward half is read at its first step."""
    assert RULE not in findings(read(lambda: nn.RNN(8, 16, batch_first=True), 1.0))
    assert RULE not in findings(read(lambda: nn.GRU(8, 16, 2, batch_first=True, bidirectional=True), directions=2))
    assert RULE not in findings(read(lambda: nn.LSTM(8, 16, batch_first=True)))
