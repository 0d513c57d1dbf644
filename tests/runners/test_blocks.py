"""Figures read in blocks of steps give the very run that figures read at every step give."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from tests import cases
from tests.cases import CPU, workload
from trainsense import Workload
from trainsense.errors import BatchSourceError, WorkloadError
from trainsense.records.outcome import Completed, Crashed, Diverged, DivergenceReason
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.sequential import run_trial

STEPS = 40


def trial(**changes: Any) -> Trial:
    """Return a trial of the standard workload."""
    return Trial(**{"lr": 0.1, "seed": 0, "steps": STEPS, **changes})


class Switched(nn.Module):
    """An MLP that knows how many training passes it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = cases.mlp()
        self.passes = 0

    def forward(self, rows: Tensor) -> Tensor:
        """Return predictions."""
        self.passes += self.training
        return self.layers(rows)  # type: ignore[no-any-return]


def spoiled(step: int, how: Callable[[Tensor, nn.Module], Tensor]) -> Workload:
    """Return a workload whose loss is changed by `how` at one step."""

    def loss(model: Switched, batch: Any) -> Tensor:
        plain = cases.squared_error(model, batch)
        return how(plain, model) if model.training and model.passes == step + 1 else plain

    return workload(model=Switched, loss=loss, eval_data=cases.fixed_batches)


def spoiled_from(step: int) -> Callable[[nn.Module, Any], Tensor]:
    """Return a loss without a derivative from one step on, on a plain model."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        if model.training:
            vars(model)["passes"] = int(getattr(model, "passes", 0)) + 1
        plain = cases.squared_error(model, batch)
        return no_gradient(plain, model) if int(getattr(model, "passes", 0)) > step else plain

    return loss


def no_number(loss: Tensor, model: nn.Module) -> Tensor:
    """Make the loss NaN."""
    return loss * torch.nan


def no_gradient(loss: Tensor, model: nn.Module) -> Tensor:
    """Leave the loss and make its derivative NaN: sqrt at 0."""
    return loss + (loss * 0).sqrt()


def huge(loss: Tensor, model: nn.Module) -> Tensor:
    """Make the loss large, with a gradient of zero."""
    return loss * 0 + 1e6


class Breaking(SGD):
    """Makes the parameters NaN in the update of one step."""

    def __init__(self, parameters: Any, lr: float, at: int) -> None:
        super().__init__(parameters, lr=lr)
        self.updates_left = at

    def step(self, closure: Any = None) -> Any:
        """Take a step."""
        super().step(closure)
        if self.updates_left == 0:
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(torch.nan)
        self.updates_left -= 1


def breaking(at: int) -> Callable[[nn.Module, float], Optimizer]:
    """Return a factory of it."""
    return lambda model, lr: Breaking(model.parameters(), lr, at)


def fussy(model: nn.Module, batch: Any) -> Tensor:
    """Refuse what is no number, as code of users does."""
    loss = cases.squared_error(model, batch)
    if not torch.isfinite(loss):
        msg = "no number"
        raise ValueError(msg)
    return loss


def tensor_lr(model: nn.Module, lr: float) -> Optimizer:
    """SGD whose learning rate is a tensor."""
    return SGD(model.parameters(), lr=torch.tensor(lr))


def outgrown(model: nn.Module, batch: Any) -> Tensor:
    """Return a loss whose gradient overflows in half precision."""
    return cases.squared_error(model, batch) * 1e4


RUNS: list[tuple[str, Workload, dict[str, Any]]] = [
    ("plain", workload(), {}),
    ("measured", workload(eval_data=cases.fixed_batches, metrics=cases.accuracy), {"probe_every": 7, "eval_every": 6}),
    ("probed at every step", workload(), {"probe_every": 1}),
    ("dropout and batch norm", workload(model=cases.dropout_mlp), {"probe_every": 9}),
    ("drawn data", workload(data=cases.drawn_batches), {}),
    ("accumulate", workload(accumulate=3), {"probe_every": 10}),
    ("clipped", workload(), {"clip_norm": 0.3}),
    ("never clipped", workload(), {"clip_norm": 1e3}),
    ("clipped and accumulated", workload(accumulate=2), {"clip_norm": 0.3, "warmup_steps": 5}),
    ("warmup", workload(schedule="cosine"), {"warmup_steps": 10}),
    ("bfloat16", workload(autocast=torch.bfloat16), {}),
    ("float16", workload(autocast=torch.float16), {"clip_norm": 0.3}),
    ("float16 that overflows", workload(autocast=torch.float16, loss=outgrown), {"lr": 1e-5}),
    ("float16 that finds no scale", workload(autocast=torch.float16, loss=spoiled_from(5)), {}),
    ("a tensor as lr", workload(optimizer=tensor_lr), {"warmup_steps": 3}),
    ("momentum diverges", workload(optimizer=cases.sgd), {"lr": 30.0}),
    ("diverges under clipping", workload(), {"lr": 1e38, "clip_norm": 1.0}),
    ("explodes", workload(optimizer=cases.sgd), {"lr": 3.0, "stop_loss": 50.0}),
    ("probe explodes", workload(), {"lr": 30.0, "stop_loss": 100.0, "probe_every": 3}),
    ("parameters, measured", workload(optimizer=breaking(10)), {}),
    ("parameters, measured and probed", workload(optimizer=breaking(10)), {"probe_every": 11}),
    ("parameters at the end", workload(optimizer=breaking(39), eval_data=cases.fixed_batches), {"probe_every": 40}),
    ("parameters, seen by the loss", workload(optimizer=breaking(12)), {}),
    ("parameters, seen by the probe", workload(optimizer=breaking(12)), {"probe_every": 13}),
    ("fussy about what follows", workload(loss=fussy, optimizer=breaking(10)), {}),
    ("fussy about what comes first", workload(loss=fussy, optimizer=breaking(12)), {}),
    ("fussy and accumulated", workload(loss=fussy, optimizer=breaking(10), accumulate=2), {}),
    ("fussy at lr far too high", workload(loss=fussy), {"lr": 1e38}),
    ("nan data", workload(data=cases.nan_batches), {}),
    ("infinite loss", workload(loss=cases.infinite_loss), {}),
]
RUNS += [
    (f"{how.__name__} at {step}", spoiled(step, how), {"stop_loss": 1e5, "probe_every": probe_every})
    for how in (no_number, no_gradient, huge)
    for step, probe_every in ((0, 0), (5, 0), (10, 0), (15, 0), (16, 0), (39, 0), (20, 8))
]


def alike(one: Run, other: Run) -> None:
    """Check that two runs are the same in everything but their time, bit for bit."""
    assert str(one.outcome) == str(other.outcome)  # by text: NaN equals itself there
    assert len(one.trace) == len(other.trace)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one.trace, name), getattr(other.trace, name), err_msg=name)
    rest = [field.name for field in fields(Run) if field.name not in {"outcome", "trace", "seconds"}]
    assert {name: str(getattr(one, name)) for name in rest} == {name: str(getattr(other, name)) for name in rest}


@pytest.mark.parametrize(("what", "settings"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS])
def test_blocks_change_nothing(what: Workload, settings: dict[str, Any]) -> None:
    """Whatever the length of the block, and wherever in it the training ends."""
    bench = prepare(what, CPU, 0)
    expected = run_trial(bench, trial(**settings), block=1)
    before = torch.get_rng_state()
    for block in (3, 16, 1000):
        alike(run_trial(bench, trial(**settings), block=block), expected)
    assert torch.equal(torch.get_rng_state(), before)
    alike(run_trial(bench, trial(**settings)), expected)


def test_the_cases_end_in_every_way() -> None:
    """So that what is compared is not all alike."""
    outcomes = [run_trial(prepare(what, CPU, 0), trial(**settings)).outcome for _, what, settings in RUNS]
    reasons = {outcome.reason for outcome in outcomes if isinstance(outcome, Diverged)}
    assert reasons == set(get_args(DivergenceReason))
    assert {Completed, Crashed} < {type(outcome) for outcome in outcomes}


def test_a_crash_inside_a_block() -> None:
    """Keeps what was measured before it."""

    def loss(model: Switched, batch: Any) -> Tensor:
        if model.training and model.passes == 20:
            msg = "twenty"
            raise ValueError(msg)
        return cases.squared_error(model, batch)

    bench = prepare(workload(model=Switched, loss=loss), CPU, 0)
    expected, run = (run_trial(bench, trial(), block=block) for block in (1, 16))
    alike(run, expected)
    assert isinstance(run.outcome, Crashed)
    assert run.outcome.step == 20
    assert np.isfinite(run.trace.loss[:20]).all()


def ends_at(batch: int, error: Exception | None) -> Callable[[], Iterator[Any]]:
    """Return a source that ends after some batches, for good."""
    passes: list[int] = []

    def source() -> Iterator[Any]:
        passes.append(1)
        for index in range(batch):
            yield cases.fixed_batches()[index % 4]
        if error is not None:
            raise error

    return source


def test_a_source_that_ends_after_a_divergence() -> None:
    """Read further than a loop that stops at once, it is no fault of the run; before one, it is."""
    diverging = {"lr": 1e38}
    what = workload(data=ends_at(10, OSError("gone")))
    run = run_trial(prepare(what, CPU, 0), trial(**diverging), block=32)
    alike(run, run_trial(prepare(what, CPU, 0), trial(**diverging), block=1))
    assert isinstance(run.outcome, Diverged)
    with pytest.raises(BatchSourceError, match="gone"):
        run_trial(prepare(what, CPU, 0), trial(), block=32)
    used_up = iter(cases.fixed_batches() * 2)
    with pytest.raises(WorkloadError, match="ran out"):
        run_trial(prepare(workload(data=lambda: used_up), CPU, 0), trial(), block=32)


def test_a_watcher_sees_no_step_after_the_last() -> None:
    """With one, every step is read at once."""
    seen: list[tuple[str, int]] = []

    class Eye:
        def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
            seen.append(("gradient", step))

        def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
            seen.append(("update", step))

    run_trial(prepare(spoiled(3, no_number), CPU, 0), trial(), watchers=[Eye()], block=16)
    assert seen[-2:] == [("update", 2), ("gradient", 3)]


def test_what_a_kernel_failed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows outside the user's code, and ends the trial."""
    error = getattr(torch, "AcceleratorError", torch.OutOfMemoryError)

    def fails(*arguments: object) -> Tensor:
        msg = "device-side assert triggered"
        raise error(msg)

    bench = prepare(workload(), CPU, 0)
    monkeypatch.setattr("trainsense.meter.Meter.gradient_norm", fails)
    run = run_trial(bench, trial())
    assert isinstance(run.outcome, Crashed)
    assert "device-side assert" in run.outcome.message


def test_memory_that_batches_took_is_given_back() -> None:
    """A training that runs out while batches are kept on the device is trained again without them."""
    trials: list[int] = []

    def loss(model: Switched, batch: Any) -> Tensor:
        if model.training and model.passes == 3:
            trials.append(1)
            if len(trials) == 1:
                raise torch.OutOfMemoryError
        return cases.squared_error(model, batch)

    bench = prepare(workload(model=Switched, loss=loss), CPU, 0)
    bench.replays._replays[0].device_bytes = 1
    assert run_trial(bench, trial()).outcome == Completed()
    trials.clear()
    outcome = run_trial(bench, trial()).outcome
    assert isinstance(outcome, Crashed)
    assert outcome.reason == "out-of-memory"
