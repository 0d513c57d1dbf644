"""Tests of the text report."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from tests.reporters.sample_reports import empty, healthy, unhealthy
from trainsense.records.report import Report
from trainsense.reporters.text import wants_color, write_text

REPORTS = [unhealthy(), healthy(), empty()]


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
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.verdict)
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
