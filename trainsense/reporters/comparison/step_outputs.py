"""The outputs of a GitHub step that compared two reports."""

import json

from trainsense.records.report_comparison import ReportComparison
from trainsense.reporters.github.outputs import FIGURES
from trainsense.reporters.suite.known_figures import known_figures


def comparison_outputs(comparison: ReportComparison) -> str:
    """Return `name=value` lines for `steps.ID.outputs`: verdict, NEW's figures, findings, regressions.

    `findings` is a JSON list of the rules that found something in NEW, `regressions` one of the rules and figures that
    became worse beyond noise.
    """
    figures = known_figures(comparison.new.report)
    found = [finding.rule for finding in comparison.findings if finding.after is not None]
    worse = [figure.name for figure in comparison.figures if figure.regression]
    worse += [finding.rule for finding in comparison.findings if finding.regression]
    outputs = {
        "verdict": comparison.verdict,
        **{name: figures.get(name, "") for name in FIGURES},
        "findings": json.dumps(found),
        "regressions": json.dumps(worse),
    }
    return "".join(f"{name}={value}\n" for name, value in outputs.items())
