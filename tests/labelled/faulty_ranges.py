"""Outputs that cannot reach their targets, and shapes that do not match them."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    CURVE,
    INK,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    drawn,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from trainsense import Workload


class Classifier(nn.Module):
    """Every layer is followed by the same function, by default the last one too."""

    def __init__(self, last: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 48), nn.Linear(48, 48), nn.Linear(48, 48)])
        self.head, self.last = nn.Linear(48, 10), last

    def forward(self, rows: Tensor) -> Tensor:
        for layer in self.layers:
            rows = functional.relu(layer(rows))
        return self.last(self.head(rows))


def relu_on_logits(last: Callable[[Tensor], Tensor] = functional.relu) -> Workload:
    """A class whose logit is negative for all examples has no way back."""
    return Workload(
        model=lambda: Classifier(last),
        data=shuffled(32, INK / 16, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.1,
    )


def regressor(last: nn.Module) -> nn.Module:
    """Build a network with an activation at its end."""
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1), last)


def sigmoid_against_stars(last: Callable[[], nn.Module] = nn.Sigmoid) -> Workload:
    """Ratings from 3 to 7 are asked of a number below 1."""
    return Workload(
        model=lambda: regressor(last()),
        data=shuffled(32, TABLE, 5 + CURVE),
        loss=squared_error,
        optimizer=adam,
        lr=5e-3,
    )


def tanh_against_wide_targets(last: Callable[[], nn.Module] = nn.Tanh) -> Workload:
    """Targets of standard deviation 3 lie mostly beyond -1 and 1."""
    return Workload(model=lambda: regressor(last()), data=shuffled(32, TABLE, 3.5 * CURVE), loss=squared_error, lr=5e-3)


class Forecaster(nn.Module):
    """A recurrent forecaster of one value."""

    def __init__(self, last: Callable[[Tensor], Tensor], *, flat: bool = True) -> None:
        super().__init__()
        self.cells, self.head, self.last, self.flat = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 1), last, flat

    def forward(self, series: Tensor) -> Tensor:
        value = self.last(self.head(self.cells(series)[0][:, -1]))
        return value.squeeze(1) if self.flat else value


SERIES: Final = drawn(512, 12, 2, seed=11).cumsum(dim=1) / 4
CHANGE: Final = (SERIES[:, -1] - SERIES[:, -4]).sum(dim=1) / SERIES.std()


def relu_against_changes(last: Callable[[Tensor], Tensor] = torch.relu) -> Workload:
    """Half of the targets are negative."""
    return Workload(
        model=lambda: Forecaster(last), data=shuffled(32, SERIES, CHANGE), loss=squared_error, optimizer=adam, lr=0.01
    )


def softplus_against_log_returns(last: Callable[[Tensor], Tensor] = functional.softplus) -> Workload:
    """A positive number for targets around zero."""
    return Workload(
        model=lambda: Forecaster(last),
        data=shuffled(16, SERIES, CHANGE - 0.5),
        loss=squared_error,
        optimizer=momentum,
        lr=0.02,
    )


def column_against_row(target: Tensor = CURVE[:, 0]) -> Workload:
    """(N, 1) against (N,): every prediction is compared with every target."""
    return Workload(
        model=lambda: mlp(16, 32, 1), data=shuffled(32, TABLE, target), loss=squared_error, optimizer=adam, lr=3e-3
    )


def _absolute(model: nn.Module, batch: Any) -> Tensor:
    return (model(batch["series"]) - batch["change"]).abs().mean()


def named(size: int, target: Tensor) -> Callable[[], Any]:
    """Return a source of batches with names."""
    pairs = shuffled(size, SERIES, target)
    return lambda: ({"series": series, "change": change} for series, change in pairs())


def explained_change(model: nn.Module, batch: Any) -> float:
    """Explained share of the targets' variance."""
    return explained(model, (batch["series"], batch["change"]))


def row_against_column(target: Tensor = CHANGE[:, None]) -> Workload:
    """The same with a loss by hand, the other way round."""
    return Workload(
        model=lambda: Forecaster(lambda x: x), data=named(24, target), loss=_absolute, optimizer=adam, lr=0.01
    )


def _huber(model: nn.Module, batch: Any) -> Tensor:
    prediction, target = model(batch[0]), batch[1]
    return torch.where(
        (prediction - target).abs() < 1, (prediction - target) ** 2 / 2, (prediction - target).abs() - 0.5
    ).mean()


def huber_of_a_matrix(*, flat: bool = False) -> Workload:
    """Once more, with a piecewise loss."""
    return Workload(
        model=lambda: Forecaster(lambda x: x, flat=flat),
        data=shuffled(32, SERIES, CHANGE),
        loss=_huber,
        optimizer=momentum,
        lr=0.02,
    )


def _identity(x: Tensor) -> Tensor:
    return x


CASES: Final = (
    faulty(relu_on_logits, "output-range", mended=lambda: relu_on_logits(_identity), score=accuracy),
    faulty(sigmoid_against_stars, "output-range", mended=lambda: sigmoid_against_stars(nn.Identity), score=explained),
    faulty(
        tanh_against_wide_targets,
        "output-range",
        mended=lambda: tanh_against_wide_targets(nn.Identity),
        score=explained,
    ),
    faulty(relu_against_changes, "output-range", mended=lambda: relu_against_changes(_identity), score=explained),
    faulty(
        softplus_against_log_returns,
        "output-range",
        mended=lambda: softplus_against_log_returns(_identity),
        score=explained,
    ),
    faulty(column_against_row, "broadcast-loss", mended=lambda: column_against_row(CURVE), score=explained),
    faulty(row_against_column, "broadcast-loss", mended=lambda: row_against_column(CHANGE), score=explained_change),
    faulty(huber_of_a_matrix, "broadcast-loss", mended=lambda: huber_of_a_matrix(flat=True), score=explained),
)
