"""The training loop against a plain one, and what it does when something goes wrong."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests import cases
from tests.cases import CPU, workload
from tests.runners import plain_loop
from trainsense import Workload
from trainsense.errors import BatchSourceError, WorkloadError
from trainsense.records.outcome import Completed, Crashed, Diverged
from trainsense.records.run import Run
from trainsense.records.schedule import cosine
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial
from trainsense.workload.seeding import RandomState

STEPS = 24


def trained(what: Workload, **settings: Any) -> Run:
    """Run one trial of seed 0."""
    return run_trial(prepare(what, CPU, 0), trial(**settings))


def trial(**settings: Any) -> Trial:
    """Return a short trial with settings changed."""
    fields: dict[str, Any] = {"lr": 0.1, "seed": 0, "steps": STEPS}
    return Trial(**{**fields, **settings})


def warmed_up(step: int) -> float:
    """Six steps of warmup."""
    return min(1.0, (step + 1) / 6)


def user_schedule(step: int) -> float:
    """Decay."""
    return 0.9**step


PAIRS: list[tuple[str, Workload, dict[str, Any], dict[str, Any]]] = [
    ("sgd", workload(), {}, {}),
    ("momentum", workload(optimizer=cases.sgd), {}, {}),
    ("adamw", workload(optimizer=cases.adamw), {"lr": 0.01}, {"lr": 0.01}),
    ("groups", workload(optimizer=cases.grouped_sgd), {}, {}),
    ("clipping", workload(optimizer=cases.adamw), {"clip_norm": 0.3}, {"clip_norm": 0.3}),
    ("clipping sgd", workload(), {"clip_norm": 0.3}, {"clip_norm": 0.3}),
    ("warmup", workload(), {"warmup_steps": 6}, {"factor": warmed_up}),
    ("warmup of groups", workload(optimizer=cases.grouped_sgd), {"warmup_steps": 6}, {"factor": warmed_up}),
    ("named schedule", workload(schedule="cosine"), {}, {"factor": lambda step: cosine(step, STEPS)}),
    ("own schedule", workload(schedule=user_schedule), {}, {"factor": user_schedule}),
    ("accumulate", workload(accumulate=3), {}, {}),
    ("dropout and batch norm", workload(model=cases.dropout_mlp), {}, {}),
    ("bfloat16", workload(autocast=torch.bfloat16), {}, {}),
    ("float16", workload(autocast=torch.float16), {}, {}),
    ("float16 clipped", workload(autocast=torch.float16, accumulate=2), {"clip_norm": 0.3}, {"clip_norm": 0.3}),
]


@pytest.mark.parametrize(("what", "settings", "plain"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS])
@pytest.mark.parametrize("probe_every", [0, 1])
def test_the_losses_are_those_of_a_plain_loop(
    what: Workload, settings: dict[str, Any], plain: dict[str, Any], probe_every: int
) -> None:
    """Bit for bit, measured at every step or never; the norm is the one before clipping."""
    run = trained(what, **settings, probe_every=probe_every)
    expected = plain_loop.train(what, **{"lr": 0.1, "steps": STEPS, **plain})
    assert run.outcome == Completed()
    assert run.trace.loss.tolist() == expected.losses
    np.testing.assert_allclose(run.trace.grad_norm, expected.norms, rtol=1e-5)
    clip_norm = settings.get("clip_norm")
    clipped = [0.0] * STEPS if clip_norm is None else [float(norm > clip_norm) for norm in expected.norms]
    assert run.trace.clipped.tolist() == clipped
    assert clip_norm is None or sum(clipped) > 0
    factor = plain.get("factor", lambda step: 1.0)
    np.testing.assert_allclose(run.trace.lr, [settings.get("lr", 0.1) * factor(step) for step in range(STEPS)])


class NumpyNoise(nn.Module):
    """Adds noise from NumPy's and Python's generators, in whatever mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, rows: Tensor) -> Tensor:
        """Return noisy predictions."""
        return self.linear(rows) + float(np.random.standard_normal())  # type: ignore[no-any-return]


def numpy_noise() -> nn.Module:
    """Build it."""
    return NumpyNoise()


def test_measuring_does_not_shift_numpy_noise() -> None:
    """A forward pass that draws from NumPy's generator trains alike with and without probes."""
    what = workload(model=numpy_noise, eval_data=cases.fixed_batches)
    plain = trained(what, evaluate=False)
    measured = trained(what, probe_every=1)
    assert measured.trace.loss.tolist() == plain.trace.loss.tolist()


def test_buffers_are_those_of_a_plain_loop() -> None:
    """Batch statistics of probes do not enter the running ones."""
    kept: list[nn.Module] = []

    def build() -> nn.Module:
        kept.append(cases.dropout_mlp())
        return kept[-1]

    bench = prepare(workload(model=build, eval_data=cases.fixed_batches), CPU, 0)
    states = []
    for probe_every in (0, 1):
        run_trial(bench, trial(probe_every=probe_every, evaluate=bool(probe_every)))
        states.append(kept[-1].state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(one, states[1][name]) for name, one in states[0].items())


def test_the_update_ratio() -> None:
    """Plain gradient descent: the update's norm is lr times the clipped norm, over the weights' norm before it."""
    bench = prepare(workload(), CPU, 0)
    run = run_trial(bench, trial(steps=3, clip_norm=0.2))
    weights = bench.fresh_model(0).parameters()
    norm = math.sqrt(sum(float(value.detach().double().square().sum()) for value in weights))
    update = 0.1 * min(0.2, float(run.trace.grad_norm[0]))
    assert run.trace.update_norm[0] == pytest.approx(update, rel=1e-4)
    assert run.trace.update_ratio[0] == pytest.approx(update / norm, rel=1e-4)


def test_probe_loss_is_before_the_update() -> None:
    """The first is the fresh model's, the last stands beside the trace."""
    bench = prepare(workload(), CPU, 0)
    run = run_trial(bench, trial(steps=40, probe_every=10))
    assert np.flatnonzero(~np.isnan(run.trace.probe_loss)).tolist() == [0, 10, 20, 30]
    assert run.trace.probe_loss[0] == run.initial_loss == bench.probe_loss(bench.fresh_model(0))
    assert run.final_probe_loss is not None
    assert run.final_probe_loss < run.trace.probe_loss[0]
    assert run.score == np.mean(run.trace.loss[-20:])


def test_eval_data_scores_the_run() -> None:
    """The mean of the last three evaluations; the metrics come along."""
    run = trained(workload(eval_data=cases.fixed_batches, metrics=cases.accuracy), steps=100, lr=0.01)
    assert np.flatnonzero(~np.isnan(run.trace.eval_loss)).tolist() == [90, 95]
    assert run.score is not None
    assert run.trace.eval_loss[90] > run.score > 0
    assert 0 <= run.metrics["sign"] <= 1
    assert trained(workload(eval_data=cases.fixed_batches), steps=20, evaluate=False).trace.eval_loss.shape == (20,)


def test_a_run_of_one_step_is_scored_too() -> None:
    """On the eval data, as any other."""
    run = trained(workload(eval_data=cases.fixed_batches), steps=1)
    bench = prepare(workload(eval_data=cases.fixed_batches), CPU, 0)
    assert run.score is not None
    assert run.score < bench.eval_loss(bench.fresh_model(0))


def test_divergence_stops_and_names_the_step() -> None:
    """The trace ends with the step at which it was seen."""
    run = trained(workload(), lr=1e6, steps=50)
    assert isinstance(run.outcome, Diverged)
    assert 0 < run.outcome.step < 49
    assert len(run.trace) == run.outcome.step + 1
    assert not math.isfinite(run.outcome.value)
    assert run.score is None
    assert run.initial_loss is not None


def test_a_loss_above_the_limit_stops_it() -> None:
    """And is told as an explosion with its value."""
    run = trained(workload(), lr=30.0, stop_loss=100.0)
    assert isinstance(run.outcome, Diverged)
    assert run.outcome.reason == "loss-explosion"
    assert run.outcome.value == run.trace.loss[-1] > 100


def test_a_probe_loss_above_the_limit_stops_it() -> None:
    """Before the update whose batch would show it."""
    run = trained(workload(), lr=30.0, stop_loss=100.0, probe_every=1)
    assert isinstance(run.outcome, Diverged)
    assert run.outcome.value == run.trace.probe_loss[-1] > 100


def test_a_gradient_that_is_not_finite() -> None:
    """The loss is fine, its derivative is not: sqrt at 0."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        zero: Tensor = model(batch[0]) * 0
        return zero.square().sum().sqrt() + 1

    run = trained(workload(loss=loss))
    assert isinstance(run.outcome, Diverged)
    assert (run.outcome.reason, run.outcome.step) == ("non-finite-gradient", 0)


def failing(step: int, error: BaseException) -> Callable[[nn.Module, Any], Tensor]:
    """Return a loss that raises once the model's own counter of training passes says so."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        if model.training:
            passes = int(getattr(model, "passes", 0)) + 1
            vars(model)["passes"] = passes
            if passes == step + 1:
                raise error
        return cases.squared_error(model, batch)

    return loss


def test_an_exception_of_the_user_is_an_outcome() -> None:
    """With their own traceback and the step."""
    run = trained(workload(loss=failing(7, ValueError("seven"))), probe_every=1)
    assert isinstance(run.outcome, Crashed)
    assert (run.outcome.reason, run.outcome.step) == ("exception", 7)
    assert "ValueError: seven" in run.outcome.message
    assert "raise error" in run.outcome.user_traceback
    assert "trainsense/runners" not in run.outcome.user_traceback
    assert len(run.trace) == 8
    assert np.isfinite(run.trace.loss[:7]).all()


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"), torch.OutOfMemoryError("CUDA")],
    ids=["python", "host", "device"],
)
def test_memory_that_runs_out_is_told_as_that(error: Exception) -> None:
    """Whoever says so."""
    run = trained(workload(loss=failing(3, error)))
    assert isinstance(run.outcome, Crashed)
    assert (run.outcome.reason, run.outcome.step) == ("out-of-memory", 3)
    assert run.outcome.text.startswith("ran out of memory at step 3")


def test_memory_that_runs_out_outside_the_users_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for the record is memory as well."""

    def full(*arguments: object) -> None:
        raise MemoryError

    bench = prepare(workload(), CPU, 0)
    monkeypatch.setattr("trainsense.runners.sequential.Meter", full)
    run = run_trial(bench, trial())
    assert isinstance(run.outcome, Crashed)
    assert run.outcome.reason == "out-of-memory"
    assert len(run.trace) == 0


def test_the_interrupt_passes() -> None:
    """And leaves the generators as they were."""
    bench = prepare(workload(loss=failing(3, KeyboardInterrupt())), CPU, 0)
    before = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        run_trial(bench, trial())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_that_fails_to_build_is_an_outcome() -> None:
    """At step 0, with nothing recorded."""
    built: list[int] = []

    def build() -> nn.Module:
        built.append(1)
        if len(built) > 2:
            msg = "third"
            raise OSError(msg)
        return cases.mlp()

    run = run_trial(prepare(workload(model=build), CPU, 0), trial())
    assert isinstance(run.outcome, Crashed)
    assert (run.outcome.step, len(run.trace)) == (0, 0)


def broken_source() -> Iterator[Any]:
    """Yield three batches and raise."""
    yield from cases.fixed_batches()[:3]
    msg = "the disk is gone"
    raise OSError(msg)


def test_a_source_that_raises_ends_everything() -> None:
    """No trial can go on without batches."""
    what = workload(data=broken_source)
    with pytest.raises(BatchSourceError, match="the disk is gone") as caught:
        trained(what)
    assert "broken_source" in caught.value.user_traceback


def test_a_source_that_is_used_up() -> None:
    """One generator, handed out again and again."""
    batches = (batch for batch in cases.fixed_batches())
    with pytest.raises(WorkloadError, match="gave none when called again"):
        trained(workload(data=lambda: batches))


def test_a_schedule_that_raises_is_the_users_error() -> None:
    """A table of ten factors for a run of 24 steps."""
    table = [1.0 - 0.1 * step for step in range(10)]
    run = trained(workload(schedule=lambda step: table[step]))
    assert isinstance(run.outcome, Crashed)
    assert run.outcome.step == 10
    assert "Workload.schedule" in run.outcome.message
    assert "IndexError" in run.outcome.user_traceback


def test_the_same_seed_is_the_same_draw_whatever_the_model_draws() -> None:
    """Weights, batches and steps have streams of their own."""
    plain = trained(workload(data=cases.drawn_batches))
    other = trained(workload(data=cases.drawn_batches, model=cases.drawing_mlp))
    again = trained(workload(data=cases.drawn_batches), lr=0.01)
    assert plain.trace.loss.tolist() == other.trace.loss.tolist()
    assert plain.trace.loss[0] == again.trace.loss[0]
    bench = prepare(workload(data=cases.drawn_batches), CPU, 0)
    stochastic = prepare(workload(data=cases.drawn_batches, model=cases.dropout_mlp), CPU, 0)
    run_trial(stochastic, trial())
    for one, two, _ in zip(bench.training_batches(0), stochastic.training_batches(0), range(12), strict=False):
        assert torch.equal(one[0], two[0])
    seeds = [run_trial(bench, trial(seed=seed)).trace.loss[0] for seed in (0, 1, 2)]
    assert len(set(seeds)) == 3


def test_reading_anew_gives_the_same_trace() -> None:
    """The determinism check reads the source again."""
    bench = prepare(workload(data=cases.drawn_batches, model=cases.dropout_mlp), CPU, 0)
    assert run_trial(bench, trial()).trace.loss.tolist() == run_trial(bench, trial(), anew=True).trace.loss.tolist()


def test_the_global_generators_are_left_alone() -> None:
    """Python's, NumPy's and torch's."""
    before = RandomState.capture()
    trained(workload(data=cases.drawn_batches, model=cases.dropout_mlp), probe_every=2)
    after = RandomState.capture()
    assert before.python == after.python
    assert before.numpy[1].tolist() == after.numpy[1].tolist()
    assert torch.equal(before.torch_cpu, after.torch_cpu)


DATASET = [(rows.clone(), targets.clone()) for rows, targets in cases.fixed_batches()]


def mutating_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Scale the batch in place."""
    batch[0].mul_(1.5)
    return cases.squared_error(model, batch)


def test_a_loss_that_writes_into_its_batch() -> None:
    """Neither the user's data set nor the next trial sees it."""
    bench = prepare(workload(data=lambda: DATASET, loss=mutating_loss), CPU, 0)
    first = run_trial(bench, trial(probe_every=1))
    second = run_trial(bench, trial(probe_every=1))
    assert first.trace.loss.tolist() == second.trace.loss.tolist()
    assert first.trace.probe_loss.tolist() == second.trace.probe_loss.tolist()
    for (rows, _), (expected, _) in zip(DATASET, cases.fixed_batches(), strict=True):
        assert torch.equal(rows, expected)


def one_buffer() -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the same two tensors again and again, filled anew each time."""
    rows, targets = torch.empty(8, 3), torch.empty(8, 1)
    for one, two in cases.fixed_batches():
        rows.copy_(one)
        targets.copy_(two)
        yield rows, targets


def test_a_source_that_fills_one_buffer() -> None:
    """Is replayed as it was read."""
    plain = trained(workload(), probe_every=1)
    reused = trained(workload(data=one_buffer), probe_every=1)
    assert reused.trace.loss.tolist() == plain.trace.loss.tolist()
    assert reused.trace.probe_loss.tolist() == plain.trace.probe_loss.tolist()


def test_sparse_gradients_are_measured_and_clipped() -> None:
    """An embedding with sparse gradients under plain gradient descent."""

    def build() -> nn.Module:
        return nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Flatten(), nn.Linear(8, 1))

    def batches() -> list[tuple[Tensor, Tensor]]:
        return [(torch.tensor([[1, 2], [2, 2]]), torch.ones(2, 1))]

    run = trained(workload(model=build, data=batches), clip_norm=0.01)
    assert run.outcome == Completed()
    assert run.trace.clipped[0] == 1
    assert run.trace.update_norm[0] == pytest.approx(0.1 * 0.01, rel=1e-3)
    dense = trained(
        workload(model=lambda: nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(8, 1)), data=batches),
        clip_norm=0.01,
    )
    np.testing.assert_allclose(run.trace.grad_norm, dense.trace.grad_norm, rtol=1e-5)


def test_frozen_parameters_do_not_count() -> None:
    """They have no gradient and no update."""

    def build() -> nn.Module:
        net = cases.mlp()
        next(net.parameters()).requires_grad = False
        return net

    bench: Bench = prepare(workload(model=build), CPU, 0)
    assert bench.seen.parameters == 16 + 16 + 1
    assert run_trial(bench, trial()).outcome == Completed()
