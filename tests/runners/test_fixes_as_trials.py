"""A fix is a change of trial: optimizers, model edits and evaluations go through the training loop like any other setting."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests import cases
from tests.cases import workload
from trainsense.errors import WorkloadError
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch."""
        out: Tensor = x + self.last(torch.relu(self.first(x)))
        return out


def shifted() -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs far from zero."""
    for _ in range(8):
        rows = 50 + 10 * torch.randn(16, 3)
        yield rows, rows.mean(dim=1, keepdim=True)


def bench(**changes: object) -> Bench:
    """Return a bench with a residual network."""
    fields: dict[str, object] = {"model": lambda: nn.Sequential(Block(), Block(), nn.Linear(3, 1)), "data": shifted}
    return prepare(workload(**{**fields, **changes}), cases.CPU, 0)


def trial(**changes: object) -> Trial:
    """Return a short trial."""
    fields: dict[str, object] = {"lr": 1e-6, "seed": 3, "steps": 30, "probe_every": 10}
    return Trial(**{**fields, **changes})  # type: ignore[arg-type]


def test_another_optimizer_trains_otherwise_and_repeats_itself() -> None:
    """From the same weights on the same batches."""
    here = bench()
    own, adam = run_trial(here, trial()), run_trial(here, trial(optimizer="Adam"))
    assert own.trace.loss[0] == adam.trace.loss[0]
    assert own.trace.loss[-1] != adam.trace.loss[-1]
    assert np.array_equal(adam.trace.loss, run_trial(here, trial(optimizer="Adam")).trace.loss)


@pytest.mark.parametrize("edit", ["zero-init-residual", "reinitialize", "replace-activation", "normalize-inputs"])
def test_a_model_edit_changes_the_trial_and_repeats_itself(edit: str) -> None:
    """And is made on the fresh model of every seed."""
    here = bench()
    plain, edited = run_trial(here, trial()), run_trial(here, trial(edits=(edit,)))
    assert edited.completed
    assert plain.trace.loss[0] != edited.trace.loss[0]
    again = run_trial(here, trial(edits=(edit,)))
    assert np.array_equal(edited.trace.loss, again.trace.loss)
    assert edited.initial_loss == again.initial_loss != plain.initial_loss
    other = run_trial(here, trial(edits=(edit,), seed=4))
    assert other.trace.loss[0] != edited.trace.loss[0]
    assert run_trial(here, trial()).trace.loss[0] == plain.trace.loss[0]  # the workload's own model is as it was


def test_zeroed_branches_are_the_identity() -> None:
    """What the edit says of itself holds in the trial."""
    here = bench()
    model = here.fresh_model(3, ("zero-init-residual",))
    rows = torch.randn(5, 3)
    assert torch.equal(model[:2](rows), rows)  # type: ignore[index]


def test_edits_are_made_in_order() -> None:
    """The second is worked out on what the first has left."""
    both = bench().fresh_model(3, ("replace-activation", "zero-init-residual"))
    rows = torch.randn(5, 3)
    assert torch.equal(both[:2](rows), rows)  # type: ignore[index]


def test_an_edit_that_does_not_fit_is_one_clear_error() -> None:
    """With the reason; the survey knows it beforehand."""
    here = bench()
    (survey,) = [one for one in here.surveys(0) if one.edit == "pre-norm"]
    assert not survey.applicable
    with pytest.raises(WorkloadError, match="pre-norm"):
        here.fresh_model(0, ("pre-norm",))


def test_looking_at_the_edits_leaves_the_random_state_alone() -> None:
    """And the batches."""
    here = bench()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    here.surveys(0)
    assert torch.equal(before, torch.get_rng_state())


def test_more_evaluations_leave_the_score_as_it_is() -> None:
    """They are for the best checkpoint."""
    here = bench(eval_data=cases.fixed_batches)
    few, many = run_trial(here, trial()), run_trial(here, trial(eval_every=5))
    assert few.score == many.score
    assert np.isfinite(few.trace.eval_loss).sum() == 2
    assert np.isfinite(many.trace.eval_loss).sum() > 4
