"""Tests of the text report."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from tests.reporters.sample_layers import sick_preflight
from tests.reporters.sample_reports import empty, healthy, unhealthy
from trainsense.records.fix import Fix, Improvement
from trainsense.records.report import Recommendation, Report
from trainsense.records.settings import Settings
from trainsense.reporters.text import wants_color, write_text

REPORTS = [unhealthy(), healthy(), empty(), sick_preflight(60)]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def text(report: Report, width: int | None = None, *, color: bool | None = False) -> str:
    """Return the report as text."""
    stream = io.StringIO()
    write_text(report, stream, width=width, color=color)
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: f"{report.command}-{report.verdict}")
def test_no_line_is_wider_than_asked(report: Report, width: int) -> None:
    """And no line carries spaces at its end."""
    for line in text(report, width).split("\n"):
        assert cell_len(line) <= width
        assert line == line.rstrip()


def test_the_order_of_the_sections() -> None:
    """Verdict and name first, the worst finding first, cost last."""
    shown = text(unhealthy(), 80)
    marks = [
        "✗ unhealthy  résumé",
        "Training fails at your",
        "lr 1.47, warmup 46 steps",
        "✗ error  early-instability",
        "▲ warning  best-lr-at-edge",
        "● note  gradient-outliers",
        "0.001 ██▇▅▃▁★!××× 2.15",
        "^ yours, 0.3",
        "✓ verified      0.7412 → 0.31  +21% (18 to 24)        5",
        "zero-init-residual  lr 0.0464, optimizer AdamW",
        "not tested",
        "threshold 2.14",
        "46 steps are the shortest",
        "passed    no-gradient",
        "overfitting: there is no eval_data",
        "did not fit the budget",
        "plots/lr-axis.png",
        "Cost: 42 trials",
    ]
    places = [shown.find(mark) for mark in marks]
    assert -1 not in places, marks[places.index(-1)]
    assert places == sorted(places)


def test_markup_of_users_is_text() -> None:
    """Brackets stay, escape codes lose their teeth, nothing becomes an emoji or a link."""
    report = replace(unhealthy(), summary="[red]a[/red] :smile: [/] \x1b]8;;http://x\x07 [link=y]z")
    shown = text(report, 80, color=True)
    assert "[red]net[/red]" in shown
    assert "[bold]post_norm[/bold]" in shown
    assert "[red]a[/red] :smile: [/] ]8;;http://x [link=y]z" in shown
    assert "\x1b]" not in shown


def test_a_pipe_gets_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a terminal under NO_COLOR; FORCE_COLOR colours a pipe."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" not in text(unhealthy(), color=None)
    assert wants_color(Terminal())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in text(unhealthy(), color=None)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())
    assert "\x1b" not in text(unhealthy(), color=None)


def test_colour_adds_nothing_but_colour() -> None:
    """The words are the same with and without."""
    shown = text(unhealthy(), 80, color=True)
    bare = "".join(part.partition("m")[2] if position else part for position, part in enumerate(shown.split("\x1b[")))
    assert [line.rstrip() for line in bare.split("\n")] == text(unhealthy(), 80).split("\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_stream_that_knows_few_characters(encoding: str) -> None:
    """Symbols have stand-ins of the same width; other characters become a question mark."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    write_text(unhealthy(), stream, width=80, color=False)
    stream.flush()
    shown = raw.getvalue().decode(encoding)
    assert "0.001 887531" in shown
    assert "*!xxx 2.15" in shown
    assert "X error  early-instability" in shown
    assert "+ verified" in shown
    assert all(len(line) <= 80 for line in shown.split("\n"))


def test_a_lone_surrogate_breaks_no_stream() -> None:
    """File names may hold bytes that are no text."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    write_text(replace(healthy(), summary="\udcff"), stream)
    stream.flush()
    assert raw.getvalue()


def test_a_stream_that_is_no_terminal_gets_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("COLUMNS", "200")
    assert text(unhealthy()) == text(unhealthy(), 80)


def test_figures_that_were_not_measured_say_so() -> None:
    """A sweep in which nothing trained, and stages that came to nothing."""
    stages: dict[str, dict[str, Any]] = {
        "sweep_lr": {
            "best_lr": None,
            "best_range": None,
            "edge_lr": None,
            "unstable_lr": None,
            "horizon": 300,
            "trials": [
                {"lr": 1e-5, "seed": 0, "loss": "nan", "feasible": False},
                {"lr": 1.0, "loss": None, "feasible": True},
            ],
        },
        "check_instability": {"runs": []},
        "pick_clip": {"clip_norm": None, "percentile": None, "clipped_fraction": None, "refused": "too few steps"},
        "sweep_warmup": {"lr": None, "warmup_steps": None, "trials": [{"warmup_steps": 10}]},
    }
    shown = text(replace(empty(), stages=stages), 80)
    assert "1e-05 ×? 1" in shown
    assert "no learning rate trained" in shown
    assert "no run above the best lr" in shown
    assert "no threshold recommended: too few steps" in shown
    assert "no length tried (10 steps)" in shown


def section(report: Report, title: str, width: int = 80) -> list[str]:
    """Return the lines of one section."""
    _, _, after = text(report, width).partition(f"\n{title}\n")
    return after.partition("\n\n")[0].split("\n")


def words(lines: list[str]) -> str:
    """Return lines with one space between words, however they were wrapped."""
    return " ".join(" ".join(lines).split())


def one_fix(**fields: Any) -> Report:
    """Return a report with a single fix, inconclusive unless told otherwise."""
    fix: dict[str, Any] = {
        "fix": "warmup",
        "title": "x",
        "status": "inconclusive",
        "settings": Settings(lr=0.1, warmup_steps=30),
    }
    return replace(healthy(), fixes=(Fix(**(fix | fields)),))


def test_the_recommendation_brings_its_own_price_and_code() -> None:
    """What the settings alone cannot say; Lightning and transformers in one line, at 80 columns."""
    shown = section(unhealthy(), "Recommendation")
    assert "  price     46 more steps, 0.46% of your 10,000" in shown
    assert shown[-1] == "  Lines for Lightning and transformers: in the JSON report (--format json)."
    assert shown[shown.index("  PyTorch") + 1].startswith("    optimizer = torch.optim.SGD(")


def test_a_recommendation_without_price_and_code() -> None:
    """The price of its settings, and the lines of its fix; no word of frameworks that have none."""
    report = unhealthy()
    assert report.recommendation is not None
    bare = replace(report.recommendation, price="", code={})
    first = replace(report.fixes[0], code={"pytorch": "lr = 1.47"})
    shown = section(replace(report, recommendation=bare, fixes=(first, *report.fixes[1:])), "Recommendation")
    assert "  price     46 more steps where the warmup is prepended to the run" in shown
    assert shown[-2:] == ["  PyTorch", "    lr = 1.47"]
    nothing = section(replace(report, recommendation=bare, fixes=()), "Recommendation")
    assert "PyTorch" not in "".join(nothing)
    only = replace(bare, code={"pytorch": "lr = 2", "transformers": "x", "lightning": ""})
    shown = section(replace(report, recommendation=only), "Recommendation")
    assert shown[-2:] == ["    lr = 2", "  Lines for transformers: in the JSON report (--format json)."]


def test_settings_name_the_optimizer_and_the_edits() -> None:
    """In the recommendation, and in the table of fixes where there is room."""
    settings = Settings(lr=0.0464, clip_norm=1.7, optimizer="AdamW", edits=("pre-norm", "zero-init-residual"))
    said = "lr 0.0464, clip norm 1.7, optimizer AdamW, model edits pre-norm + zero-init-residual"
    report = one_fix(fix="pre-norm", settings=settings, loss=0.5, seeds=1)
    report = replace(report, recommendation=Recommendation(settings=settings, fixes=(), why=""))
    assert section(report, "Recommendation", 120)[0] == f"  {said}"
    header, row, *rest = section(report, "Fixes tried", 200)
    assert header.endswith("pairs  settings")
    assert row.endswith(f"  {said}")
    assert rest == []
    below = section(report, "Fixes tried", 80)
    assert words(below[2:]) == f"pre-norm {said}"
    single = replace(settings, edits=("pre-norm",))
    assert ", model edit pre-norm" in text(one_fix(settings=single), 200)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_fix_that_was_screened_only(width: int) -> None:
    """One loss, nothing it was compared with, and why it was left at that."""
    reason = "On the first seed no better than lr*: not pursued."
    shown = words(section(one_fix(loss=0.05737, seeds=1, reason=reason), "Fixes tried", width))
    assert "0.05737" in shown
    assert "screened" in shown
    assert reason in shown
    assert "n/a" not in shown
    assert "pair," not in shown
    if width >= 80:
        assert "0.05737 screened only –" in shown


def test_a_fix_with_one_pair() -> None:
    """It has a gain and no interval."""
    gain = Improvement(mean=0.02, low=float("-inf"), high=float("inf"))
    report = one_fix(baseline_loss=0.5, loss=0.4, improvement=gain, seeds=1)
    assert words(section(report, "Fixes tried", 160)[1:2]).startswith(
        "warmup ? inconclusive 0.5 → 0.4 +2% (no interval) 1 lr"
    )
    assert words(section(report, "Fixes tried", 50)[2:]) == "loss 0.5 → 0.4, gain +2% of the drop; 1 pair, no interval"
    five = replace(gain, low=0.01, high=0.03)
    narrow = section(one_fix(baseline_loss=0.5, loss=0.4, improvement=five, seeds=5), "Fixes tried", 50)
    assert words(narrow[2:]) == "loss 0.5 → 0.4, gain +2% of the drop (1 to 3), 5 pairs"


def test_a_fix_that_was_not_run() -> None:
    """No loss, no gain, no pairs: only why."""
    report = one_fix(reason="It was not run.")
    assert words(section(report, "Fixes tried", 160)[1:2]).startswith("warmup ? inconclusive n/a n/a – lr")
    assert section(report, "Fixes tried", 40)[1:] == ["    lr 0.1, warmup 30 steps", "    It was not run."]


@pytest.mark.parametrize("width", range(50, 130, 2))
def test_no_cell_of_the_table_is_cut(width: int) -> None:
    """Where a table does not fit, there is none."""
    shown = "\n".join(section(unhealthy(), "Fixes tried", width))
    listed = "pairs" in shown.split("\n")[0]
    for fix in unhealthy().fixes[:4]:
        assert fix.fix in shown
        assert fix.status in shown
    assert ("+21% (18 to 24)        5" if listed else "gain +21%") in shown
    assert listed == (width >= 78)


def test_the_footnote_is_there_where_a_gain_is() -> None:
    """And only there."""
    assert "* of the loss drop" in text(unhealthy(), 80)
    assert "* of the loss drop" not in text(one_fix(loss=0.1, seeds=1), 80)


def test_fixes_that_were_not_tested() -> None:
    """By their reason; what has to be made by hand with its title."""
    shown = section(unhealthy(), "Fixes tried", 120)
    assert shown[shown.index("  not tested") + 1 :] == [
        "    pre-norm, reinitialize: It cannot be applied to this model: no residual block [x + f(x)] was found.",
        "    qk-norm: Normalise queries and keys",
        "    z-loss: Add the z-loss",
        "      It changes the model's own code: make it, and run trainsense again.",
        "    change-optimizer: AdamW",
    ]
    assert "untested" not in "\n".join(shown)
    alone = replace(unhealthy(), fixes=unhealthy().fixes[-1:])
    assert section(alone, "Fixes", 120) == ["  not tested", "    change-optimizer: AdamW"]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_reasons_are_text(width: int) -> None:
    """Module paths with brackets, and what looks like markup, in either place."""
    said = "[red]net[/red].[0] :smile: [/]"
    tried = one_fix(loss=0.1, seeds=1, reason=said)
    untested = one_fix(status="untested", fix="qk-norm", title=said, reason=said)
    assert said in words(section(tried, "Fixes tried", width))
    assert words(section(untested, "Fixes", width)).count(said) == 2
