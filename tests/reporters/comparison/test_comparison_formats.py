"""A comparison in every format, read back as its consumers do."""

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.compare.sample_sweeps import found, minimal, sweep, swept
from tests.reporters.sample_reports import empty, healthy, unhealthy
from trainsense.compare import compare_reports
from trainsense.errors import TrainsenseError
from trainsense.records.report import Report
from trainsense.records.report_comparison import Reading, ReportComparison
from trainsense.reporters.comparison import COMPARISON_FORMATS
from trainsense.reporters.comparison.document import document_of_comparison
from trainsense.reporters.comparison.json import comparison_document
from trainsense.reporters.comparison.lr_strips import lr_strips
from trainsense.reporters.comparison.suite import suite_of_comparison
from trainsense.reporters.comparison.text import write_comparison_text
from trainsense.reporters.document import Card, Code, Items, Table
from trainsense.reporters.formats import FORMATS
from trainsense.reporters.interface import Rendering
from trainsense.rules import RULES

NASTY = "<b>a</b> ]]> ::error::x | `y` [red]z[/red] \x1b[31m \x00 \ud800 日本\n# h"


def compared(base: Report, new: Report) -> ReportComparison:
    """Compare them."""
    return compare_reports(base, new, version="0.1.0", base_source="main", new_source="branch")


def regressed() -> ReportComparison:
    """Return a comparison with a regression of each kind, and something of every change."""
    base = minimal(
        findings=[found("double-softmax"), found("lr-too-low", "note"), found("small-batch-norm", "warning")],
        stages={"sweep_lr": sweep()},
        not_assessed=[{"rule": "example-leak", "reason": "why"}],
    )
    low = sweep(edge_lr=0.0215443, unstable_lr=0.0464159, best_lr=0.01, best_range=[0.01, 0.01])
    place = {"module": "net.0", "file": "net.py", "line": 3}
    new = minimal(
        findings=[
            found("dead-relu", locations=[place]),
            found("double-softmax", locations=[place]),
            found("example-leak", "warning"),
            found("best-lr-at-edge", "note"),
        ],
        not_assessed=[{"rule": "small-batch-norm", "reason": "none"}],
        passed=[{"rule": "no-gradient"}, {"rule": "lr-too-low"}],
        stages={"sweep_lr": low},
    )
    return compared(base, new)


def nasty() -> ReportComparison:
    """Return a comparison whose strings are a stranger's."""
    workload = {"name": NASTY, "source": NASTY, "parameters": 1, "device": NASTY, "fingerprint": ""}
    place = {"module": NASTY, "file": NASTY, "line": 3}
    odd = minimal(
        workload=workload,
        findings=[found("dead-relu", title=NASTY, locations=[place])],
        stages={
            "sweep_lr": sweep(),
            "pick_clip": {
                "clip_norm": None,
                "percentile": None,
                "clipped_fraction": None,
                "percentiles": None,
                "refused": NASTY,
            },
        },
        not_assessed=[{"rule": "lr-too-low", "reason": NASTY}],
    )
    return compared(minimal(findings=[found("lr-too-low")]), odd)


SAMPLES = {
    "regressed": regressed(),
    "nasty": nasty(),
    "bare": compared(minimal(), minimal()),
    "unhealthy": compared(healthy(), unhealthy()),
    "empty": compared(unhealthy(), empty()),
}


def written(comparison: ReportComparison, name: str) -> str:
    """Return the comparison in a format."""
    stream = io.StringIO()
    COMPARISON_FORMATS[name](comparison, stream, Rendering(pages={rule.name: rule for rule in RULES}))
    return stream.getvalue()


def text(comparison: ReportComparison, width: int = 80, *, color: bool = False) -> str:
    """Return it as text."""
    stream = io.StringIO()
    write_comparison_text(comparison, stream, width=width, color=color)
    return stream.getvalue()


def test_every_format_of_a_report_is_one_of_a_comparison() -> None:
    """By the same names."""
    assert list(COMPARISON_FORMATS) == list(FORMATS)


@pytest.mark.parametrize("sample", SAMPLES)
def test_json_is_valid_and_complete(sample: str) -> None:
    """Against its own schema, which is one."""
    document = json.loads(written(SAMPLES[sample], "json"))
    assert document["schema"] == "trainsense.comparison/1"
    assert [entry["rule"] for entry in document["findings"]] == [one.rule for one in SAMPLES[sample].findings]
    assert len(document["figures"]) == 10


def test_the_schema_is_one_and_holds_the_writer_to_it() -> None:
    """A comparison that breaks it is never written."""
    stream = io.StringIO()
    with pytest.raises(TrainsenseError, match=r"breaks its own schema at \$\.verdict"):
        COMPARISON_FORMATS["json"](replace(regressed(), verdict="fine"), stream, Rendering())  # type: ignore[arg-type]
    assert not stream.getvalue()


def test_json_says_what_regressed_and_what_is_infinite() -> None:
    """What a pipeline asks for."""
    document = comparison_document(regressed())
    assert document["verdict"] == "regressed"
    assert document["figures"]["edge_lr"]["regression"]
    assert {entry["rule"] for entry in document["findings"] if entry["regression"]} == {"dead-relu"}
    assert len(document["regressions"]) == 2
    unbounded = compared(swept(), swept(unstable_lr=None))
    assert comparison_document(unbounded)["figures"]["edge_lr"]["new"]["high"] == "inf"


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("sample", SAMPLES)
def test_text_keeps_to_its_columns_and_sends_no_codes(sample: str, width: int) -> None:
    """Whatever a report holds."""
    shown = text(SAMPLES[sample], width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert "\x1b" not in shown
    assert "\x00" not in shown


def test_text_reads_from_the_worst_down() -> None:
    """Verdict, regressions, findings by what became of them, figures, axes."""
    shown = text(regressed())
    assert shown.startswith("✗ regressed  net\n")
    parts = ("Regressions", "Findings", "  new", "✗ error  dead-relu", "  gone", "  same", "Figures", "Learning rates")
    places = [shown.index(f"\n{part}") if part[0] != "✗" else shown.index(part) for part in parts]
    assert places == sorted(places)
    assert "BASE had not looked (not assessed: why)" in shown
    assert "net.0 (net.py:3)" in shown


def test_text_without_room_for_a_table_lists_the_figures() -> None:
    """The same numbers."""
    wide, narrow = text(regressed(), 80), text(regressed(), 50)
    assert "figure" in wide
    assert "figure  " not in narrow
    assert "edge  ✗ lower" in narrow
    assert "0.0215 (fails from 0.0464)" in narrow


def test_text_in_ascii_and_in_colour() -> None:
    """Columns stay where they are."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_comparison_text(regressed(), stream, width=80, color=False)
    stream.seek(0)
    assert stream.read().startswith("X regressed  net")
    assert "\x1b[" in text(regressed(), color=True)


def test_axes_share_their_columns() -> None:
    """A learning rate that one report did not try is a gap; rounding is no other learning rate."""
    new = swept(
        best_lr=0.01,
        trials=[
            {"lr": lr, "seed": 0, "loss": 0.2, "feasible": lr < 0.4, "reason": None, "stopped_at": None}
            for lr in (0.01, 0.215444, 0.464159)
        ],
    )
    strips = lr_strips(compared(swept(), new))
    assert strips is not None
    assert strips.lines == ("BASE  0.01  ★█× 0.464", "NEW   0.01 ★ ▁× 0.464")
    assert lr_strips(compared(minimal(), minimal())) is None
    gone = lr_strips(compared(swept(), minimal()))
    assert gone is not None
    assert gone.lines[1] == "NEW   no sweep"


def test_the_suite_fails_for_regressions_and_for_nothing_else() -> None:
    """One case a rule and one a figure, each name once in its family."""
    comparison = regressed()
    suite = suite_of_comparison(comparison, Rendering(pages={rule.name: rule for rule in RULES}))
    status = {(case.family, case.name): case.status for case in suite.cases}
    assert len(status) == len(suite.cases)
    assert {key[1] for key, said in status.items() if said == "failed"} == {"dead-relu", "edge_lr"}
    skipped = {key[1] for key, said in status.items() if said == "skipped" and key[0] == "compare.findings"}
    assert skipped == {"double-softmax", "example-leak", "best-lr-at-edge", "small-batch-norm"}
    assert status["compare.findings", "lr-too-low"] == status["compare.findings", "no-gradient"] == "passed"
    shown = {case.name for case in suite.cases if case.shown}
    assert shown == {"dead-relu", "example-leak", "best-lr-at-edge", "edge_lr"}


def test_machines_read_it() -> None:
    """JUnit's failures, SARIF's new results at a line, GitHub's annotations."""
    comparison = regressed()
    root = ET.fromstring(written(comparison, "junit"))  # noqa: S314 - our own
    assert {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None} == {
        "dead-relu",
        "edge_lr",
    }
    (run,) = json.loads(written(comparison, "sarif"))["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["dead-relu"]  # double-softmax was there before
    lines = written(comparison, "github").splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]
    assert written(compared(minimal(), minimal()), "github").startswith("::notice title=trainsense::net: same")


@pytest.mark.parametrize("name", ["junit", "sarif", "github", "html"])
def test_a_strangers_strings_inject_nothing(name: str) -> None:
    """Into any format."""
    shown = written(nasty(), name)
    shown.encode()
    if name == "junit":
        ET.fromstring(shown)  # noqa: S314 - our own
    elif name == "sarif":
        json.loads(shown)
    elif name == "html":
        assert "<b>a</b>" not in shown
    else:
        assert all(line.startswith("::") for line in shown.splitlines())


def test_the_document_has_regressions_findings_figures_and_axes() -> None:
    """As people read it."""
    document = document_of_comparison(regressed())
    assert (document.tone, document.verdict) == ("unhealthy", "regressed")
    blocks = document.blocks
    assert next(block for block in blocks if isinstance(block, Items)).items == regressed().regressions
    cards = [block for block in blocks if isinstance(block, Card)]
    assert [(card.name, card.tone) for card in cards][:2] == [("dead-relu", "error"), ("example-leak", "warning")]
    assert {card.tone for card in cards if card.name in {"lr-too-low", "small-batch-norm"}} == {"neutral"}
    table = next(block for block in blocks if isinstance(block, Table))
    assert ("edge", "lower, a regression", "0.215 (fails from 0.464)", "0.0215 (fails from 0.0464)") in table.rows
    assert "★" in next(block for block in blocks if isinstance(block, Code)).text


def test_a_figure_without_an_interval_says_so() -> None:
    """One seed gives none."""
    comparison = regressed()
    loss = next(figure for figure in comparison.figures if figure.name == "loss")
    alone = replace(loss, base=Reading(value=0.2), new=Reading(value=0.2))
    figures = tuple(alone if figure is loss else figure for figure in comparison.figures)
    assert text(replace(comparison, figures=figures)).count("no interval") == 2
