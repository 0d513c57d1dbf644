"""The commands as plain functions, for notebooks and scripts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from trainsense.diagnosis import Diagnosis, run_diagnosis
from trainsense.errors import OptionError, WorkloadError
from trainsense.records.baseline import Baseline
from trainsense.records.report import Report
from trainsense.records.request import DEFAULT_BUDGET, NO_LIMIT, BudgetLimit, Command, Engine, Request
from trainsense.records.selection import Selection
from trainsense.reporters.saved import REPORT, saved_report
from trainsense.rules.selecting import ignored_rules, selection_of
from trainsense.workload.contract import Workload
from trainsense.workload.load import from_object


class Options(TypedDict, total=False):
    """Options of every function here; left out, the command line's defaults hold.

    Attributes:
        lr: learning rate to take for the user's own instead of the workload's.
        steps: horizon of a trial in optimizer steps.
        seeds: number of seeds at the points that matter.
        seed: first seed.
        engine: `auto`, `sequential` or `stacked`: the others load the workload from its file, which an object does not have.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        budget: seconds, or a `BudgetLimit`; None for no limit.
        run_dir: where runs, tables and plots are kept; nothing is kept without it.
        fresh: ignore trials kept from earlier.
        factor: multiple of the unstable lr at which warmups are tried first.
        keep_going: whether `diagnose` trains although preflight found an error in the setup.
        select: names of the rules that count; empty for all.
        ignore: rules to set aside: a mapping of rule to reason, or names, each with or without `=reason`.
        baseline: an earlier report, its file or run directory, or what a function here returned: its findings are known.
    """

    lr: float | None
    steps: int | None
    seeds: int | None
    seed: int
    engine: Engine
    device: str
    budget: float | BudgetLimit | None
    run_dir: str | Path | None
    fresh: bool
    factor: float
    keep_going: bool
    select: Sequence[str]
    ignore: Mapping[str, str] | Sequence[str]
    baseline: str | Path | Report | Diagnosis | None


def preflight(workload: Workload, **options: Unpack[Options]) -> Diagnosis:
    """Look into the model, its batches and its first steps, without training; options as in `diagnose`."""
    return _run("preflight", workload, options)


def sweep_lr(workload: Workload, **options: Unpack[Options]) -> Diagnosis:
    """Find the best learning rate, the infeasible ones and the edge; options as in `diagnose`."""
    return _run("sweep-lr", workload, options)


def check_instability(workload: Workload, **options: Unpack[Options]) -> Diagnosis:
    """Run at 2x, 5x and 10x the best learning rate, evaluated at every step; options as in `diagnose`."""
    return _run("check-instability", workload, options)


def pick_clip(workload: Workload, **options: Unpack[Options]) -> Diagnosis:
    """Choose a gradient-clipping threshold and try it; options as in `diagnose`."""
    return _run("pick-clip", workload, options)


def sweep_warmup(workload: Workload, **options: Unpack[Options]) -> Diagnosis:
    """Find the shortest warmup that makes a multiple of the unstable lr train; options as in `diagnose`."""
    return _run("sweep-warmup", workload, options)


def diagnose(workload: Workload, **options: Unpack[Options]) -> Diagnosis:
    """Run the whole protocol on a workload.

    Args:
        workload: what to diagnose.
        **options: see `Options`.

    Returns:
        The report, the data frames `trials` and `traces`, and every run; shows itself in a notebook.

    Raises:
        CannotRunError: the workload or an option stands in the way.
    """
    return _run("diagnose", workload, options)


def _run(command: Command, workload: Workload, options: Options) -> Diagnosis:
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        msg = f"{unknown[0]!r} is no option; there are {', '.join(Options.__annotations__)}"
        raise TypeError(msg)
    if not isinstance(workload, Workload):
        msg = f"The first argument must be a Workload, not {type(workload).__name__}."
        raise WorkloadError(msg)
    budget = options.get("budget", DEFAULT_BUDGET)
    budget = NO_LIMIT if budget is None else budget
    if not isinstance(budget, (int, float, BudgetLimit)):
        msg = f"budget must be a number of seconds or a BudgetLimit, not {budget!r}."
        raise OptionError(msg)
    run_dir = options.get("run_dir")
    request = Request(
        command=command,
        lr=options.get("lr"),
        steps=options.get("steps"),
        seeds=options.get("seeds"),
        seed=options.get("seed", 0),
        engine=options.get("engine", "auto"),
        device=options.get("device", "auto"),
        budget=budget if isinstance(budget, BudgetLimit) else BudgetLimit(amount=float(budget), unit="seconds"),
        run_dir=None if run_dir is None else Path(run_dir),
        fresh=options.get("fresh", False),
        factor=options.get("factor", 10.0),
        keep_going=options.get("keep_going", False),
        selection=_selection(options.get("select", ()), options.get("ignore", ())),
        baseline=_baseline(options.get("baseline")),
    )
    return run_diagnosis(from_object(workload), request)


def _selection(select: Sequence[str], ignore: Mapping[str, str] | Sequence[str]) -> Selection:
    names = [select] if isinstance(select, str) else select
    ignored = [ignore] if isinstance(ignore, str) else ignore
    texts = [*names, *ignored, *(ignored.values() if isinstance(ignored, Mapping) else ())]
    if not all(isinstance(text, str) for text in texts):
        msg = f"select and ignore take names of rules, and reasons that are strings, not {names!r} and {ignored!r}."
        raise OptionError(msg)
    return selection_of(names, ignored if isinstance(ignored, Mapping) else ignored_rules(ignored))


def _baseline(earlier: str | Path | Report | Diagnosis | None) -> Baseline | None:
    if earlier is None:
        return None
    if isinstance(earlier, str | Path):
        path = Path(earlier).expanduser()
        return Baseline.of(str(earlier), saved_report(path / REPORT if path.is_dir() else path).findings)
    report = earlier.report if isinstance(earlier, Diagnosis) else earlier
    if not isinstance(report, Report):
        msg = f"baseline must be a saved report, a Report or a Diagnosis, not {report!r}."
        raise OptionError(msg)
    return Baseline.of(f"the earlier report on {report.workload.name}", report.findings)
