"""The commands as functions."""

from pathlib import Path
from typing import Any

import pytest
import torch

import trainsense
from tests import cases
from tests.cases import workload
from trainsense.errors import CannotRunError, OptionError
from trainsense.records.request import BudgetLimit, Request
from trainsense.records.selection import Selection
from trainsense.workload.seeding import RandomState

SMALL: dict[str, Any] = {"steps": 30, "seeds": 1, "budget": BudgetLimit(amount=900, unit="steps"), "device": "cpu"}


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_every_workload_of_the_table_is_diagnosed(case: cases.Case) -> None:
    """Within its budget; the sick ones are named, the healthy ones are not called sick."""
    diagnosis = trainsense.diagnose(case.make(), **SMALL)
    report = diagnosis.report
    found = {one.rule for one in report.findings if one.severity in {"error", "warning"}}
    assert report.cost.steps <= 900
    if case.sick is not None:
        assert case.sick in found
        assert report.verdict == "unhealthy"
    else:
        assert not found & {"non-finite-data", "non-finite-loss", "not-deterministic"}


@pytest.mark.parametrize("name", ["sweep_lr", "check_instability", "pick_clip", "sweep_warmup"])
def test_each_command_is_a_function(name: str, tmp_path: Path) -> None:
    """Its result carries report, tables and runs, and shows itself."""
    diagnosis = getattr(trainsense, name)(workload(lr=0.1), run_dir=tmp_path, **SMALL)
    assert diagnosis.report.command == name.replace("_", "-")
    assert len(diagnosis.trials) == len(diagnosis.runs) == diagnosis.report.cost.trials
    assert set(diagnosis.traces.columns) >= {"trial", "step", "lr", "loss", "grad_norm"}
    assert "<" in diagnosis._repr_html_()
    assert (tmp_path / "report.json").exists()


def test_the_users_global_state_is_left_alone() -> None:
    """Generators, dtype, threads, gradient mode."""
    torch.set_num_threads(2)
    before = RandomState.capture()
    trainsense.sweep_lr(workload(model=cases.dropout_mlp, data=cases.drawn_batches, lr=0.1), **SMALL)
    after = RandomState.capture()
    assert torch.equal(before.torch_cpu, after.torch_cpu)
    assert before.python == after.python
    assert before.numpy[1].tolist() == after.numpy[1].tolist()
    assert torch.get_num_threads() == 2
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_the_same_call_gives_the_same_report() -> None:
    """But for the clock."""
    one, two = (trainsense.sweep_lr(workload(data=cases.drawn_batches, lr=0.1), **SMALL).report for _ in range(2))
    assert one.stages == two.stages
    assert one.summary == two.summary
    assert one.findings == two.findings


def test_a_misspelt_option_is_an_error() -> None:
    """Not silently ignored."""
    with pytest.raises(TypeError, match="step"):
        trainsense.sweep_lr(workload(), step=30)  # type: ignore[call-arg]


@pytest.mark.parametrize("engine", ["processes", "ray", "fast"])
def test_an_engine_that_an_object_cannot_use_says_so(engine: Any) -> None:
    """Worker processes load a file."""
    with pytest.raises(OptionError, match="engine"):
        trainsense.sweep_lr(workload(), engine=engine)


def test_options_are_checked() -> None:
    """As on the command line."""
    with pytest.raises(OptionError, match="seeds"):
        trainsense.sweep_lr(workload(), seeds=0)


def test_a_class_of_ones_own_and_a_closure() -> None:
    """A workload made in a session is diagnosed, and not kept."""
    scale = 2.0

    def loss(model: torch.nn.Module, batch: Any) -> torch.Tensor:
        return scale * cases.squared_error(model, batch)

    report = trainsense.sweep_lr(workload(loss=loss), **SMALL).report
    assert report.workload.fingerprint == ""


def test_rules_are_selected_ignored_and_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line; a baseline is a file, a folder, a report or what an earlier call returned."""
    requests: list[Request] = []
    first = trainsense.diagnose(workload(data=cases.nan_batches), run_dir=tmp_path, select="non-finite-data", **SMALL)
    monkeypatch.setattr("trainsense.api.run_diagnosis", lambda _, request: requests.append(request))
    earlier: list[Any] = [first, first.report, tmp_path, str(tmp_path / "report.json")]
    for baseline in earlier:
        trainsense.diagnose(workload(), baseline=baseline)
    assert {one.baseline is not None and one.baseline.knows(first.report.findings[0]) for one in requests} == {True}
    requests.clear()
    ways: list[Any] = [{"lr-too-low": "why"}, ["lr-too-low=why"], "lr-too-low=why"]
    for ignore in ways:
        trainsense.diagnose(workload(), select=["lr-too-low", "dead-relu"], ignore=ignore)
    expected = Selection(select=("lr-too-low", "dead-relu"), ignore={"lr-too-low": "why"})
    assert [one.selection for one in requests] == [expected] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": ["non-finite-dat"]}, "select names the rule 'non-finite-dat', .* the nearest is non-finite-data"),
        ({"ignore": {"dead-rel": ""}}, "ignore names the rule 'dead-rel'"),
        ({"ignore": {"dead-relu": None}}, "reasons that are strings"),
        ({"baseline": 3}, "baseline must be a saved report"),
        ({"baseline": "no/such.json"}, "no/such.json cannot be read"),
    ],
)
def test_a_wrong_selection_names_what_is_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotRunError, match=message):
        trainsense.diagnose(workload(), **options)
