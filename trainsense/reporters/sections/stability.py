"""What the stages above the best learning rate came to, a line each: instability, clipping, warmup."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType

from trainsense.records.report import Report
from trainsense.reporters.numbers import as_number, lr_text, number_text, percent_text
from trainsense.reporters.sections.layout import heading, labelled, text_of

LENGTHEN_FROM: Final = 0.05
"""A warmup of more than this share of the run calls for a run that is longer by as much (PROTOCOL 5.4)."""


def stability_section(report: Report) -> Iterator[RenderableType]:
    """Yield a line per stability stage that ran; nothing where none did."""
    if rows := stability_rows(report):
        yield heading("Stability")
        yield labelled((label, text_of(text)) for label, text in rows)


def stability_rows(report: Report) -> list[tuple[str, str]]:
    """Return what each stability stage that ran came to, with a label before it."""
    writers = (
        ("check_instability", "above", instability_text),
        ("pick_clip", "clipping", clipping_text),
        ("sweep_warmup", "warmup", warmup_text),
    )
    return [(label, writer(report.stages[stage])) for stage, label, writer in writers if stage in report.stages]


def instability_text(stage: Mapping[str, Any]) -> str:
    """Return what happened at multiples of the best lr."""
    by_factor: dict[str, list[Mapping[str, Any]]] = {}
    for run in stage["runs"]:
        by_factor.setdefault(f"{number_text(run['factor'], 3)}x", []).append(run)
    if not by_factor:
        return "no run above the best lr"
    told = [f"{factor} the best lr: {_events(runs)}" for factor, runs in by_factor.items()]
    steps = f" within {stage['horizon']} steps" if "horizon" in stage else ""
    return "; ".join(told) + f" (probed at every step{steps})"


def _events(runs: Sequence[Mapping[str, Any]]) -> str:
    seen: dict[str, list[int]] = {}
    for run in runs:
        word = {"none": "no instability", "early": "early instability"}.get(run["kind"], "mid-training instability")
        if run["kind"] != "none":
            word += ", recovered," if run["recovered"] else ", not recovered,"
            seen.setdefault(word, []).extend([] if run["onset_step"] is None else [run["onset_step"]])
        else:
            seen.setdefault(word, [])
    return "; ".join(
        f"{word} from step {', '.join(str(step) for step in sorted(steps))} on" if steps else word
        for word, steps in seen.items()
    )


def clipping_text(stage: Mapping[str, Any]) -> str:
    """Return which threshold was found, or why none is recommended."""
    norm = as_number(stage["clip_norm"])
    if norm is None:
        return f"no threshold recommended: {stage.get('refused') or 'not assessable'}"
    percentile = number_text(stage["percentile"])
    share = stage["clipped_fraction"]
    clips = "" if share is None else f", clips {percent_text(share)}% of the steps"
    where = "" if stage.get("lr") is None else f" at lr {lr_text(stage['lr'])}"
    return f"threshold {number_text(norm, 3)}, the {percentile}th percentile of a stable run's norms{clips}{where}"


def warmup_text(stage: Mapping[str, Any]) -> str:
    """Return which warmup was found, or that none was."""
    if stage["warmup_steps"] is None or stage["lr"] is None:
        tried = ", ".join(dict.fromkeys(str(trial["warmup_steps"]) for trial in stage["trials"]))
        return f"after no length tried ({tried or 'none'} steps) did a failing lr train on without a new instability"
    share = stage.get("share_of_run")
    of_run = "" if share is None else f", {percent_text(share)}% of the planned run"
    longer = "; lengthen the run by as much" if share is not None and (as_number(share) or 0.0) > LENGTHEN_FROM else ""
    return f"{stage['warmup_steps']} steps are the shortest that make lr {lr_text(stage['lr'])} train{of_run}{longer}"
