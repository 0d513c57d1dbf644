"""The outputs of a GitHub step: what `$GITHUB_OUTPUT` is given."""

import json

from trainsense.records.report import Report
from trainsense.reporters.suite.known_figures import known_figures

FIGURES = ("best_lr", "clip_norm", "warmup_steps")


def step_outputs(report: Report) -> str:
    """Return `name=value` lines for `steps.ID.outputs`: verdict, best_lr, clip_norm, warmup_steps, findings.

    A figure that is not known is empty. `findings` is a JSON list of the rules that found something, as the report orders
    them, whatever their severity and whether a baseline has them: `fromJSON(steps.ID.outputs.findings)`. Whatever the
    report holds, there is one line each.
    """
    figures = known_figures(report)
    rules = dict.fromkeys(finding.rule for finding in report.findings)
    outputs = {
        "verdict": " ".join(report.verdict.split()),
        **{name: figures.get(name, "") for name in FIGURES},
        "findings": json.dumps(list(rules)),
    }
    return "".join(f"{name}={value}\n" for name, value in outputs.items())
