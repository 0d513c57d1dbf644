"""From the workload to the report, with a tiny one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import cases
from tests.cases import workload
from trainsense.diagnosis import run_diagnosis
from trainsense.errors import CannotRunError, StoreError, UserCodeError
from trainsense.executors.in_process import InProcess
from trainsense.lab import Lab
from trainsense.protocol.interface import Stage
from trainsense.records.evidence import Evidence
from trainsense.records.plan import Plan
from trainsense.records.request import BudgetLimit, Command, Request
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.workload.load import from_object


def request(command: Command = "sweep-lr", steps: int = 900, *, horizon: int = 30, **changes: Any) -> Request:
    """Return a small request."""
    fields: dict[str, Any] = {"steps": horizon, "seeds": 1, "device": "cpu"}
    return Request(command=command, budget=BudgetLimit(amount=steps, unit="steps"), **{**fields, **changes})


def test_an_interrupt_between_two_trials_is_reported_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever in a stage it falls: what was measured is judged, and nothing more is run."""
    calls: list[int] = []
    original = Stage.__call__

    def once_interrupted(self: Stage, lab: Lab, plan: Plan, evidence: Mapping[type, Evidence]) -> Evidence | None:
        found = original(self, lab, plan, evidence)
        calls.append(lab.cost().trials)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(Stage, "__call__", once_interrupted)
    diagnosis = run_diagnosis(from_object(workload(lr=0.1)), request())
    assert diagnosis.interrupted
    assert calls[0] == calls[-1] == diagnosis.report.cost.trials > 0
    assert diagnosis.report.stages["sweep_lr"]["trials"]
    assert diagnosis.report.summary.startswith("Interrupted")


def test_an_interrupt_within_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial is not counted; the report names what was left out."""
    original = InProcess.run
    seen: list[Trial] = []

    def run(self: InProcess, trials: Sequence[Trial]) -> Iterator[Run]:
        for trial in trials:
            seen.append(trial)
            if len(seen) == 4:
                raise KeyboardInterrupt
            yield from original(self, [trial])

    monkeypatch.setattr(InProcess, "run", run)
    diagnosis = run_diagnosis(from_object(workload(lr=0.1)), request("diagnose", 5000))
    assert diagnosis.interrupted
    assert diagnosis.report.cost.trials == 3
    assert len(seen) == 4
    assert diagnosis.report.not_run


@pytest.mark.parametrize("command", ["sweep-lr", "check-instability", "pick-clip", "sweep-warmup", "diagnose"])
@pytest.mark.parametrize("steps", [120, 200, 700])
def test_a_budget_in_steps_is_kept(command: Command, steps: int) -> None:
    """The check of the setup included; what did not fit is named."""
    report = run_diagnosis(from_object(workload(lr=0.1)), request(command, steps)).report
    assert report.cost.steps <= steps
    assert report.not_run or steps == 700
    assert report.verdict != "healthy" or steps == 700


def test_a_budget_below_the_price_of_the_timing_is_kept() -> None:
    """A budget in steps needs no timing at all."""
    assert run_diagnosis(from_object(workload(lr=0.1)), request(steps=100)).report.cost.steps <= 100


def eighty(model: torch.nn.Module, batch: Any) -> torch.Tensor:
    """Return a loss that raises after eighty passes, far beyond the check of the setup."""
    passes = int(getattr(model, "passes", 0)) + 1
    vars(model)["passes"] = passes
    if passes > 80:
        msg = "eighty"
        raise ValueError(msg)
    return cases.squared_error(model, batch)


def touchy(model: torch.nn.Module, batch: Any) -> torch.Tensor:
    """Return a loss that raises where training has diverged a little."""
    loss = cases.squared_error(model, batch)
    if loss.detach() > 50:
        msg = "touchy"
        raise ValueError(msg)
    return loss


def test_crashes_are_outcomes_with_their_message() -> None:
    """And the sweep goes on around them."""
    diagnosis = run_diagnosis(from_object(workload(loss=touchy, lr=0.1)), request(steps=3000, horizon=150))
    reasons = {trial["reason"] for trial in diagnosis.report.stages["sweep_lr"]["trials"]}
    assert "exception" in reasons
    assert None in reasons
    assert diagnosis.trials["outcome"].str.contains("ValueError: touchy").sum() > 1


def test_a_crash_everywhere_is_the_users_own_error() -> None:
    """Not "raise --steps": exit 2, with their traceback."""
    with pytest.raises(UserCodeError, match="ValueError: eighty") as raised:
        run_diagnosis(from_object(workload(loss=eighty, lr=0.1)), request(steps=3000, horizon=150))
    assert "eighty" in raised.value.user_traceback


def test_the_run_directory_must_be_writable(tmp_path: Path) -> None:
    """One clear error before anything is run."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        run_diagnosis(from_object(workload()), request(run_dir=tmp_path / "file" / "inside"))


def test_a_device_that_is_not_there() -> None:
    """Likewise."""
    with pytest.raises(CannotRunError, match="cuda:77"):
        run_diagnosis(from_object(workload()), request(device="cuda:77"))


def test_the_request_overrides_the_workloads_lr() -> None:
    """As `--lr` does."""
    diagnosis = run_diagnosis(from_object(workload(lr=0.037)), request(lr=0.02))
    lrs = {run.trial.lr for _, run in diagnosis.runs}
    assert 0.02 in lrs
    assert 0.037 not in lrs


def test_a_workload_that_is_not_deterministic_is_diagnosed_all_the_same() -> None:
    """With the finding, and the likely cause."""
    generator = torch.Generator().manual_seed(0)

    def data() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for _ in range(4):
            rows = torch.randn(8, 3, generator=generator)
            yield rows, rows.sum(dim=1, keepdim=True)

    report = run_diagnosis(from_object(workload(data=data, lr=0.1)), request()).report
    (finding,) = [one for one in report.findings if one.rule == "not-deterministic"]
    assert "Workload.data" in finding.detail
    assert "sweep_lr" in report.stages
