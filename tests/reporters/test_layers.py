"""Tests of the table of layers and of where findings say they are."""

import io
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.reporters.sample_layers import (
    block_names,
    dead_relu,
    layer_statistics,
    preflight_report,
    sick_preflight,
    vanishing,
    without_figures,
)
from tests.reporters.sample_reports import healthy, unhealthy
from trainsense.records.location import Location
from trainsense.records.report import Report
from trainsense.reporters.json import read_report, report_document
from trainsense.reporters.notebook import notebook_html
from trainsense.reporters.sections.findings import places_text
from trainsense.reporters.sections.layers import MOST_ROWS, chosen_rows
from trainsense.reporters.text import write_text

HOSTILE = (
    "x" * 10_000,
    "[bold red]net[/].0",
    "a\x1b[31mb\x07\r\nc\td\u2028e",
    "😀👍🏽🧑‍🔬❤️" * 20,
    "日本語" * 30,
    "\udcff\u202e\u0301",
    "",
    "..",
    "." * 500,
    "\u0301" * 2_000,
)
"""What a module may be called: very long, markup, control characters, emoji, wide, no text at all."""


def text(report: Report, width: int = 80, *, encoding: str | None = None) -> str:
    """Return the report as text, as a stream of `encoding` gets it."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding or "utf-8", newline="\n")
    write_text(report, stream, width=width, color=False)
    stream.flush()
    return raw.getvalue().decode(encoding or "utf-8")


def table(report: Report, width: int = 80) -> list[str]:
    """Return the lines of the table of layers, its two lines of headings first."""
    _, _, after = text(report, width).partition("\nLayers\n")
    return after.partition("\n\n")[0].split("\n")


def test_the_columns_of_a_wide_terminal() -> None:
    """All of them, each with the step that it was read at; the finding that names a layer beside it."""
    shown = table(sick_preflight(), 200)
    assert shown[0].split() == ["gradient", "gradient", "update", "output", "dead"]
    assert " ".join(shown[1].split()) == "layer kind step 0 step 30 step 30 step 0 step 30 finding"
    expected = "✗ encoder.layers.0.linear1 linear 5.9e-07 3.9e-04 1.1e-03 0.82 9% vanishing-gradient"
    assert shown[5].split() == expected.split()
    assert [line.split()[0] for line in shown[2:]].count("✗") == 6
    assert shown[8].split()[0] == "▲"
    assert shown[8].endswith("dead-relu")


def test_columns_are_dropped_before_names_are_lost() -> None:
    """Words first, then the figures of the least weight; the gradient at initialisation stays longest."""
    headings = {width: table(sick_preflight(), width)[:2] for width in (40, 60, 80, 120)}
    assert "finding" in headings[120][1]
    assert "kind" in headings[120][1]
    assert "kind" not in headings[80][1]
    assert headings[80][0].split() == ["gradient", "gradient", "update", "output", "dead"]
    assert headings[60][0].split() == ["gradient", "update", "dead"]
    assert headings[40][0].split() == ["gradient"]
    assert all("encoder.layers.0.linear1" in "\n".join(table(sick_preflight(), width)) for width in headings)


def test_shortened_names_stay_apart() -> None:
    """Whatever the width, no two of these layers look the same."""
    for width in (40, 60, 80, 120):
        names = [next(word for word in line.split() if word not in "✗▲") for line in table(sick_preflight(), width)[2:]]
        assert len(set(names)) == len(names) == 13


def test_of_many_layers_the_ends_and_those_named() -> None:
    """With what is left out counted, in its place and in all."""
    names = block_names(200)
    report = preflight_report(layer_statistics(names), (dead_relu(names[100]),))
    shown = table(report, 120)[2:]
    assert sum("more" in line for line in shown) == 2
    assert "176 of 200 layers are left out here; the JSON report has all." in shown[-1]
    assert sum(names[100] in line for line in shown) == 1
    assert names[0] in shown[0]
    assert names[-1] in shown[-2]
    assert "left out" not in text(preflight_report(layer_statistics(block_names(MOST_ROWS))))


@given(count=st.integers(1, 300), named=st.lists(st.integers(0, 299), unique=True), most=st.integers(1, 40))
def test_chosen_rows(count: int, named: list[int], most: int) -> None:
    """Ascending, in range, both ends, the most telling of those named, no gap of one row."""
    named = [row for row in named if row < count]
    rows = chosen_rows(count, named, most)
    assert rows == sorted(set(rows))
    assert set(rows) <= set(range(count))
    assert set(named[: most // 2]) <= set(rows)
    if most >= 4:
        assert {0, count - 1} <= set(rows)
    if count > most:
        assert 2 not in {after - before for before, after in pairwise(rows)}


def test_figures_that_are_not_there() -> None:
    """A dash for what was not measured, words for what is not finite; a column without figures is left out."""
    shown = "\n".join(table(preflight_report(without_figures(layer_statistics(block_names(13))))))
    assert " nan " in shown
    assert " inf " in shown
    assert " – " in shown
    start = "\n".join(table(preflight_report(layer_statistics(block_names(5), steps=(0,)))))
    assert "update" not in start
    assert "step 30" not in start
    assert start.count("gradient") == 1


def test_a_module_with_several_weights_shows_their_names() -> None:
    """Else two rows would be called the same; a finding that names the module marks both."""
    layers = layer_statistics(["fc", "rnn", "rnn"])
    snapshots = tuple(
        replace(
            snapshot,
            layers=(
                snapshot.layers[0],
                replace(snapshot.layers[1], parameter="rnn.weight_ih_l0"),
                replace(snapshot.layers[2], parameter="rnn.weight_hh_l0"),
            ),
        )
        for snapshot in layers.snapshots
    )
    report = preflight_report(replace(layers, snapshots=snapshots), (dead_relu("rnn"),))
    names = [line.split()[:2] for line in table(report)[2:]]
    assert [name[-2:] for name in names[1:]] == [["▲", "rnn.weight_ih_l0"], ["▲", "rnn.weight_hh_l0"]]
    assert names[0][0] == "fc"


def test_a_finding_that_names_a_block_marks_its_layers() -> None:
    """But a name that only starts the same is another block."""
    names = ["blocks.1.fc", "blocks.10.fc", "head"]
    report = preflight_report(layer_statistics(names), (dead_relu("blocks.1"),))
    assert [line.split()[0] for line in table(report)[2:]] == ["▲", "blocks.10.fc", "head"]


def test_no_table_without_layers() -> None:
    """Nor where no snapshot was taken."""
    empty = replace(layer_statistics(["a"]), snapshots=())
    for report in (healthy(), preflight_report(None), preflight_report(empty)):
        assert "\nLayers\n" not in text(report)


def test_what_could_not_be_looked_into_is_said() -> None:
    """Below the table."""
    layers = replace(layer_statistics(["a"]), blind=("[b]head[/b] is frozen: nothing flows back.",))
    assert "[b]head[/b] is frozen: nothing flows back." in text(preflight_report(layers))


def test_a_terminal_of_few_characters() -> None:
    """A shortened path still shows that it is one."""
    shown = text(sick_preflight(), 60, encoding="ascii")
    assert "X  encoder..0..in_proj" in shown
    assert "!  encoder..1..out_proj" in shown


def test_a_report_of_preflight_reads_from_verdict_to_cost() -> None:
    """No axis of learning rates, no recommendation, no trials."""
    shown = text(sick_preflight())
    marks = ["✗ unhealthy", "\nFindings\n", "  where     embedding (model.py:42)", "\nLayers\n", "\nOther checks\n"]
    marks += ["passed ", "not assessed", "output-range: the loss is", "\nCost: 54 steps · 1.23 s of training"]
    places = [shown.find(mark) for mark in marks]
    assert -1 not in places, marks[places.index(-1)]
    assert places == sorted(places)
    assert "Recommendation" not in shown
    assert "Learning rates" not in shown
    assert "trials" not in shown


def test_layers_come_late_in_a_diagnosis() -> None:
    """After what training showed."""
    report = replace(unhealthy(), stages={**unhealthy().stages, **sick_preflight().stages})
    shown = text(report)
    assert shown.index("\nStability\n") < shown.index("\nLayers\n") < shown.index("\nOther checks\n")


def test_places_of_a_finding() -> None:
    """Module, file and line as far as they are known; each once, of many the first."""
    assert places_text([]) == ""
    assert places_text([Location(module="a"), Location(), Location(module="a")]) == "a"
    assert places_text([Location(file="C:\\me\\model.py", line=3)]) == "model.py:3"
    assert places_text([Location(module="a", file="m.py")]) == "a (m.py)"
    many = [Location(module=str(at)) for at in range(9)]
    assert places_text(many) == "0, 1, 2, 3, … 9 in all"
    nowhere = replace(dead_relu("a"), locations=(Location(),))
    assert "where" not in text(preflight_report(None, (nowhere,)))


def check_any_name(name: str) -> None:
    """Check that a report on a layer of this name renders everywhere, within its width, and comes back from JSON."""
    names = [name, *block_names(3)]
    finding = replace(vanishing(names), locations=(Location(module=name, file=f"/home/me/{name}.py", line=1),))
    report = preflight_report(layer_statistics(names), (finding,))
    for width in (20, 60, 80, 200):
        lines = text(report, width).split("\n")
        assert all(cell_len(line) <= width for line in lines)
        assert len(lines) < 500
        assert not any("\x1b" in line or "\x07" in line for line in lines)
    assert all(len(line) <= 80 for line in text(report, 80, encoding="ascii").split("\n"))
    assert read_report(report_document(report)).findings[0].locations == finding.locations
    assert "<pre" in notebook_html(report)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name: str) -> None:
    """As text, as JSON and in a notebook."""
    check_any_name(name)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=100))
def test_any_name(name: str) -> None:
    """Of a module or a file."""
    check_any_name(name)


def test_each_column_shows_the_step_that_has_its_figure() -> None:
    """The last look may have no update, the first no output."""
    layers = layer_statistics(block_names(5))
    first, *between, last = layers.snapshots
    bare = replace(first, layers=tuple(replace(one, output_rms=None) for one in first.layers))
    still = replace(last, layers=tuple(replace(one, update_ratio=None, dead=None) for one in last.layers))
    shown = table(preflight_report(replace(layers, snapshots=(bare, *between, still))))
    assert shown[0].split() == ["gradient", "gradient", "update", "output", "dead"]
    assert " ".join(shown[1].split()) == "layer step 0 step 30 step 20 step 1 step 20"
