"""Reports for the tests of comparisons: short to write, and read from JSON as any saved report is."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainsense.records.report import Report
from trainsense.reporters.json import read_report

BEST, EDGE, UNSTABLE = 0.1, 0.215443, 0.464159


def minimal(**changes: Any) -> Report:
    """Return a report with the keys that the schema asks for and no other, `changes` apart."""
    document: dict[str, Any] = {
        "schema": "trainsense.report/1",
        "trainsense": "0.1.0",
        "command": "diagnose",
        "workload": {"name": "net", "source": "net.py", "parameters": 10, "device": "cpu", "fingerprint": ""},
        "verdict": "healthy",
        "summary": "",
        "findings": [],
        "fixes": [],
        "recommendation": None,
        "stages": {},
        "cost": {"trials": 10, "steps": 3000, "seconds": 2.0},
    }
    return read_report({**document, **changes})


def found(rule: str, severity: str = "error", **more: Any) -> dict[str, Any]:
    """Return a finding's entry."""
    entry = {"rule": rule, "severity": severity, "title": f"{rule}!", "detail": "", "evidence": {}}
    return {**entry, "plots": [], "fixes": [], **more}


def trials(lr: float, losses: Sequence[float | str], *, seed: int = 0) -> list[dict[str, Any]]:
    """Return the entries of trials at one learning rate, a seed each; a loss "nan" is a failure."""
    return [
        {
            "lr": lr,
            "seed": seed + position,
            "loss": loss,
            "feasible": loss != "nan",
            "reason": "non-finite-loss" if loss == "nan" else None,
            "stopped_at": None,
        }
        for position, loss in enumerate(losses)
    ]


def sweep(**changes: Any) -> dict[str, Any]:
    """Return the entry of a sweep that trains up to 0.215 on three seeds and fails from 0.464 on."""
    return {
        "best_lr": BEST,
        "best_range": [0.0464159, EDGE],
        "edge_lr": EDGE,
        "unstable_lr": UNSTABLE,
        "lr_sensitivity": 0.2,
        "horizon": 300,
        "initial_loss": 2.3,
        "trivial_loss": 2.2,
        "loss_drop": 2.0,
        "trials": [
            *trials(BEST, [0.20, 0.22, 0.24]),
            *trials(EDGE, [0.30, 0.31, 0.32]),
            *trials(UNSTABLE, ["nan", "nan", "nan"]),
        ],
        **changes,
    }


def swept(stages: Mapping[str, Any] | None = None, **changes: Any) -> Report:
    """Return a report with that sweep, changed, and other stages beside it."""
    return minimal(stages={"sweep_lr": sweep(**changes), **(stages or {})})
