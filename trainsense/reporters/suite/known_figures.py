"""The figures of a report that pipelines ask for by name."""

import math
from collections.abc import Mapping
from typing import Any

from trainsense.records.report import Report
from trainsense.reporters.numbers import as_number


def known_figures(report: Report) -> Mapping[str, str]:
    """Return best_lr, edge_lr, clip_norm and warmup_steps, in digits that any program reads; what is unknown is absent.

    Each is what its own stage came to; where the stage did not run or settled nothing, what is recommended.
    """
    advice = report.recommendation
    clip_norm = None if advice is None else advice.settings.clip_norm
    warmup_steps = None if advice is None else advice.settings.warmup_steps or None
    figures = {
        "best_lr": _digits(_staged(report, "sweep_lr", "best_lr")),
        "edge_lr": _digits(_staged(report, "sweep_lr", "edge_lr")),
        "clip_norm": _digits(_staged(report, "pick_clip", "clip_norm")) or _digits(clip_norm),
        "warmup_steps": _digits(_staged(report, "sweep_warmup", "warmup_steps")) or _digits(warmup_steps),
    }
    return {name: text for name, text in figures.items() if text}


def facts(report: Report) -> Mapping[str, str]:
    """Return `known_figures`, and what was diagnosed, when, on what and at what cost."""
    workload, provenance = report.workload, report.provenance
    named: dict[str, str] = {
        "verdict": report.verdict,
        **known_figures(report),
        "device": workload.device,
        "parameters": str(workload.parameters or ""),
        "fingerprint": workload.fingerprint,
        "trials": str(report.cost.trials),
        "steps": str(report.cost.steps),
    }
    if provenance is not None:
        named |= {
            "seed": str(provenance.seed),
            "budget": provenance.budget,
            "torch": provenance.torch,
            "python": provenance.python,
            "platform": provenance.platform,
        }
    return {name: text for name, text in named.items() if text}


def _staged(report: Report, stage: str, name: str) -> Any:
    return report.stages.get(stage, {}).get(name)


def _digits(value: object) -> str:
    """Return a number in plain digits, nothing for what is none or not finite."""
    number = as_number(value)
    if number is None or not math.isfinite(number):
        return ""
    return str(int(number)) if isinstance(value, int) else f"{number:.6g}"
