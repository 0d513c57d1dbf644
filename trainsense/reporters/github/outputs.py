"""The outputs of a GitHub step: what `$GITHUB_OUTPUT` is given."""

from trainsense.records.report import Report


def step_outputs(report: Report) -> str:
    """Return `name=value` lines: verdict, best_lr, clip_norm, warmup_steps, findings."""
    raise NotImplementedError
