"""A stack trains as the loop does: every kind of model, setting and end."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.cases import CPU, accuracy, dropout_mlp, fixed_batches, mlp, squared_error, workload
from tests.runners.stacked.agreement import assert_agree, beside, trials
from trainsense import Workload
from trainsense.records.outcome import Completed, Diverged
from trainsense.records.trace import COLUMNS
from trainsense.runners.bench import prepare
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.runners.stacked.training import Stack
from trainsense.workload.seeding import random_state_kept

SHAPES = {"rows": (6,), "images": (1, 6, 6), "series": (5, 4), "tokens": (7,)}


def drawn(kind: str) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(5):
            inputs = torch.randint(9, (8, 7)) if kind == "tokens" else torch.randn(8, *SHAPES[kind])
            yield inputs, torch.randint(3, (8,))

    return data


def cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1])


def dropped() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(16, 3))


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 3),
    )


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.GRU | nn.LSTM]) -> None:
        super().__init__()
        self.cells, self.head = kind(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, series: Tensor) -> Tensor:
        logits: Tensor = self.head(self.cells(series)[0][:, -1])
        return logits


class Transformer(nn.Module):
    """Embedding, dropout on transposed activations, attention, tied weights, an idle and a frozen parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(9, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True, norm_first=True)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 9, bias=False)
        self.head.weight = self.tokens.weight
        self.idle = nn.Parameter(torch.ones(3))
        self.scale = nn.Parameter(torch.full((8,), 0.9), requires_grad=False)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(self.layer(self.tokens(tokens))) * self.scale)
        return logits


def next_token(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    tokens = batch[0]
    return functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


MODELS: dict[str, Workload] = {
    "mlp with dropout": Workload(model=dropped, data=drawn("rows"), loss=cross_entropy),
    "convolutions with BatchNorm": Workload(model=convolutions, data=drawn("images"), loss=cross_entropy),
    "GRU": Workload(model=lambda: Recurrent(nn.GRU), data=drawn("series"), loss=cross_entropy),
    "LSTM": Workload(model=lambda: Recurrent(nn.LSTM), data=drawn("series"), loss=cross_entropy),
    "transformer": Workload(model=Transformer, data=drawn("tokens"), loss=next_token),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_trains_as_in_the_loop(name: str) -> None:
    assert_agree(MODELS[name], trials(1e-4, 1e-3, 1e-2))


def some_only(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([one for name, one in model.named_parameters() if name.startswith("3")], lr=lr)


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "accumulate": ({"accumulate": 3}, {}),
    "schedule": ({"schedule": "cosine"}, {}),
    "probes at every step": ({}, {"probe_every": 1}),
    "eval data": ({"eval_data": fixed_batches, "metrics": accuracy}, {"eval_every": 4}),
    "another optimizer": ({"model": mlp}, {"optimizer": "Adam"}),
    "some parameters not optimised": ({"optimizer": some_only}, {"clip_norm": 0.5}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_means_the_same(name: str) -> None:
    fields, settings = SETTINGS[name]
    assert_agree(workload(**{"model": dropout_mlp, **fields}), trials(1e-3, 1e-2, **settings))


def test_clipping_and_warmup_are_each_trials_own() -> None:
    mixed = [
        replace(trial, clip_norm=clip, warmup_steps=warmup)
        for trial, clip, warmup in zip(trials(0.01, 0.02, 0.05), (None, 0.3, 2.0), (0, 4, 2), strict=True)
    ]
    for alone, stacked in beside(workload(model=dropout_mlp), mixed):
        np.testing.assert_array_equal(alone.trace.clipped, stacked.trace.clipped)
    assert_agree(workload(model=dropout_mlp), mixed)


def test_autocast_differs_by_its_rounding() -> None:
    assert_agree(workload(autocast=torch.bfloat16), trials(1e-3, 1e-2), same=2e-2)


def test_several_seeds_train_together() -> None:
    """Each with weights and batches of its own, and a random constant."""

    class WithConstant(nn.Module):
        shift: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.net = mlp()
            self.register_buffer("shift", torch.randn(3))

        def forward(self, rows: Tensor) -> Tensor:
            outputs: Tensor = self.net(rows + self.shift)
            return outputs

    def data() -> Iterator[dict[str, Tensor]]:
        for _ in range(4):
            rows = torch.randn(8, 3)
            yield {"rows": rows, "targets": rows.sum(dim=1, keepdim=True)}

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return functional.mse_loss(model(batch["rows"]), batch["targets"])

    planned = [replace(trial, seed=seed) for seed in (0, 1, 2) for trial in trials(0.01, 0.1)]
    assert_agree(Workload(model=WithConstant, data=data, loss=loss), planned)


def test_seeds_share_no_masks() -> None:
    planned = [replace(trial, seed=seed) for seed in (0, 1) for trial in trials(0.01)]
    with pytest.raises(UnstackableError, match="random numbers"):
        beside(workload(model=dropout_mlp), planned)


def test_divergences_end_where_they_do_in_the_loop() -> None:
    """Each leaves the stack with its reason, and the others go on."""
    planned = trials(0.01, 3.0, 1e3, 1e20, 1e38, steps=40, stop_loss=50.0, probe_every=1)
    planned += [replace(one, stop_loss=None) for one in trials(5.0, 1e10, steps=40, probe_every=7)]
    planned = [replace(one, probe_every=7) for one in planned]
    for alone, stacked in beside(workload(), planned):
        assert (alone.outcome.text[:20], alone.stopped_at) == (stacked.outcome.text[:20], stacked.stopped_at)
        for column in COLUMNS:
            one, other = getattr(alone.trace, column), getattr(stacked.trace, column)
            np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other), err_msg=column)
    reasons = {run.outcome.reason for _, run in beside(workload(), planned) if isinstance(run.outcome, Diverged)}
    assert len(reasons) >= 2


def test_a_block_of_steps_is_cut_back_to_the_divergence() -> None:
    """As on a device whose figures are read once in many steps."""
    with random_state_kept():
        bench = prepare(workload(), CPU, 0)
    planned = trials(0.01, 2.0, 1e3, 1e20, steps=40, stop_loss=50.0, probe_every=7)
    found = []
    for block in (1, 16):
        with random_state_kept():
            stack, runs = Stack(bench, planned, block=block), []
            while stack.training:
                runs += stack.advance()
            found.append({run.trial.lr: run for run in (*runs, *stack.finish())})
    for lr, run in found[0].items():
        other = found[1][lr]
        assert run.outcome == other.outcome
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(run.trace, column), getattr(other.trace, column))
    assert isinstance(found[0][0.01].outcome, Completed)


def test_the_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    beside(Workload(model=dropped, data=drawn("rows"), loss=cross_entropy), trials(1e-3, 1e38, steps=6))
    torch.testing.assert_close(torch.rand(3), expected)


def test_squared_error_is_a_loss_too() -> None:
    """A loss of shape (1,), as the loop takes it."""
    assert_agree(workload(loss=lambda model, batch: squared_error(model, batch).reshape(1)), trials(0.01, 0.1))
