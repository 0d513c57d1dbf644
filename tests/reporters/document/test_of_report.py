"""Tests of the document of a report: what stands in it, and in which order."""

import json
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reporters.document.documents import all_blocks, texts_of
from tests.reporters.markdown.parsed import strings
from tests.reporters.sample_layers import sick_preflight
from tests.reporters.sample_reports import empty, healthy, unhealthy
from trainsense.records.baseline import Baseline
from trainsense.records.finding import Finding, Ignored, NotAssessed, Passed
from trainsense.records.fix import Fix
from trainsense.records.location import Location
from trainsense.records.provenance import Provenance
from trainsense.records.report import Cost, Recommendation, Report, WorkloadSummary
from trainsense.records.settings import Settings
from trainsense.reporters.document import Block, Card, Code, Document, Facts, Figure, Folded, Heading, Table
from trainsense.reporters.document.of_report import document_of_report
from trainsense.reporters.interface import Rendering
from trainsense.reporters.json import read_report

SAMPLES = sorted((Path(__file__).parents[3] / "sample_runs").iterdir())
EVERY_PLOT = ("lr-axis-with-fix", "lr-axis", "loss-above-best-lr", "gradient-norm", "warmup-grid", "layers")


def document(report: Report, directory: Path | None = None) -> Document:
    """Return the document of a report."""
    return document_of_report(report, Rendering(directory=directory))


def headings(blocks: tuple[Block, ...]) -> list[str]:
    """Return the titles of the sections."""
    return [block.text for block in blocks if isinstance(block, Heading)]


def cards(blocks: tuple[Block, ...]) -> list[Card]:
    """Return the cards."""
    return [block for block in blocks if isinstance(block, Card)]


def figures(blocks: tuple[Block, ...]) -> list[str]:
    """Return the names of the figures, wherever they stand."""
    return [block.name for block in all_blocks(blocks) if isinstance(block, Figure)]


def facts(blocks: tuple[Block, ...]) -> dict[str, str]:
    """Return all terms and what they are."""
    return {term: text for block in all_blocks(blocks) if isinstance(block, Facts) for term, text in block.rows}


def folded(blocks: tuple[Block, ...], start: str) -> str:
    """Return all that is told in what is folded below a line that starts so."""
    (found,) = (block for block in blocks if isinstance(block, Folded) and block.summary.startswith(start))
    one = Document(title="", tone="neutral", verdict="", subtitle="", summary="", blocks=found.blocks)
    return "\n".join(text for text in texts_of(one) if text)


def test_the_sections_come_in_their_order() -> None:
    """What to do before what was found, what was found before how it was measured."""
    report = replace(unhealthy(), plots={name: f"plots/{name}.png" for name in EVERY_PLOT})
    shown = document(report)
    assert (shown.tone, shown.verdict, shown.summary) == ("unhealthy", "unhealthy", report.summary)
    assert shown.title == report.workload.name
    assert "1,234,567 parameters" in shown.subtitle
    assert headings(shown.blocks) == [
        "Recommendation",
        "Findings",
        "Learning rates tried",
        "Fixes tried",
        "Figures",
        "Stability",
        "Other checks",
        "Provenance",
    ]


def test_the_recommendation_comes_with_its_lines() -> None:
    """PyTorch's at once, the others folded."""
    blocks = document(unhealthy()).blocks
    assert facts(blocks[:2]) == {
        "settings": "lr 1.47, warmup 46 steps",
        "why": "The warmup lets a larger lr train. It gains 21 % of the drop (18 to 24) over 5 pairs.",
        "price": "46 more steps, 0.46% of your 10,000",
        "fixes": "warmup (verified)",
    }
    code = blocks[2]
    assert isinstance(code, Code)
    assert (code.title, code.language) == ("PyTorch", "python")
    others = [block.summary for block in blocks[3:5] if isinstance(block, Folded)]
    assert others == ["Lines for Lightning", "Lines for transformers"]


def test_findings_are_cards_and_the_worst_comes_first() -> None:
    """With where, what was measured, and what helps."""
    place = Location(module="net.0", file="/home/me/net.py", line=7)
    report = unhealthy()
    sick = replace(report.findings[1], locations=(place,))
    shown = cards(document(replace(report, findings=(report.findings[0], sick, report.findings[2]))).blocks)
    assert [(card.tone, card.name) for card in shown] == [
        ("error", "early-instability"),
        ("warning", "best-lr-at-edge"),
        ("note", "gradient-outliers"),
    ]
    told = facts(shown[0].blocks)
    assert told["where"] == "net.0 (net.py:7)"
    assert told["measured"].startswith("onset step 28 · peak nan · best lr 0.1")
    assert told["fixes"] == "warmup (verified), lower-lr (rejected)"


def test_many_measured_numbers_are_a_table() -> None:
    """Folded: a line of them cannot be read."""
    finding = Finding(rule="x", severity="note", title="X", detail="", evidence={"norms": dict.fromkeys("abcdef", 0.5)})
    (card,) = cards(document(replace(healthy(), findings=(finding,))).blocks)
    (table,) = (block for block in all_blocks(card.blocks) if isinstance(block, Table))
    assert table.rows == tuple((name, "0.5") for name in "abcdef")
    assert "measured" not in facts(card.blocks)


def test_what_the_baseline_knows_is_marked() -> None:
    """A finding that is new is not."""
    baseline = Baseline(source="main.json", findings={"early-instability": "error"})
    shown = document(replace(unhealthy(), baseline=baseline)).blocks
    assert [card.label for card in cards(shown)] == ["error, known", "warning", "note"]
    assert facts(shown)["baseline"] == "main.json"


def test_every_figure_stands_once() -> None:
    """The headline at the top, with the worst finding that names it, or with the rest."""
    report = replace(unhealthy(), plots={name: f"plots/{name}.png" for name in EVERY_PLOT if name != "layers"})
    shown = document(report).blocks
    assert sorted(figures(shown)) == sorted(report.plots)
    assert next(block for block in shown if isinstance(block, Figure)).name == "lr-axis-with-fix"
    worst, *_ = cards(shown)
    assert figures(worst.blocks) == ["loss-above-best-lr", "lr-axis"]
    without = document(replace(report, plots={"gradient-norm": "a.png", "lr-axis": "b.png"})).blocks
    assert next(block for block in without if isinstance(block, Figure)).name == "lr-axis"


def test_what_crashed_stands_apart_from_what_did_not_apply() -> None:
    """What is set aside says why, and what it would have found."""
    report = replace(
        healthy(),
        not_assessed=(
            NotAssessed(rule="dead-relu", reason="ZeroDivisionError: x", crashed=True),
            NotAssessed(rule="overfitting", reason="no eval_data"),
            NotAssessed(rule="example-leak", reason="no eval_data"),
        ),
        passed=(Passed(rule="no-gradient"),),
        ignored=(
            Ignored(rule="lr-too-high", reason="we know", severity="error", title="Too high"),
            Ignored(rule="lr-too-low", reason="not selected"),
        ),
        not_run=("the rest",),
    )
    blocks = document(report).blocks
    (crashed,) = cards(blocks)
    assert (crashed.label, crashed.name) == ("crashed", "dead-relu")
    assert folded(blocks, "Passed: 1") == "no-gradient"
    assert folded(blocks, "Not assessed: 2") == "overfitting, example-leak: no eval_data"
    assert folded(blocks, "Ignored: 2, 1 of which would have found something") == (
        "lr-too-high (we know); would have found error: Too high\nlr-too-low (not selected)"
    )
    assert folded(blocks, "Not run: 1") == "the rest"


def test_the_provenance_says_when_and_on_what() -> None:
    """The fingerprint is shortened."""
    made = Provenance(
        started="2026-01-02T03:04:05Z", seed=3, budget="10m", python="3.12.1", torch="2.9.0", platform="Linux x86_64"
    )
    report = replace(
        healthy(), provenance=made, workload=replace(healthy().workload, fingerprint="0123456789abcdef" * 4)
    )
    assert facts(document(report).blocks) == {
        "trainsense": "0.1.0",
        "command": "sweep-lr",
        "workload": "mlp.py",
        "fingerprint": "0123456789ab",
        "parameters": "10",
        "device": "cpu",
        "started": "2026-01-02T03:04:05Z",
        "seed": "3",
        "budget": "10m",
        "python": "3.12.1",
        "torch": "2.9.0",
        "platform": "Linux x86_64",
    }


def test_layers_are_folded_with_their_legend() -> None:
    """And say which findings name them."""
    blocks = document(sick_preflight()).blocks
    place = next(index for index, block in enumerate(blocks) if isinstance(block, Heading) and block.text == "Layers")
    section = blocks[place + 1]
    assert isinstance(section, Folded)
    table = section.blocks[0]
    assert isinstance(table, Table)
    assert (table.columns[0], table.columns[-1]) == ("layer", "finding")
    assert "gradient" in facts(section.blocks)


@pytest.mark.parametrize("report", [healthy(), empty(), unhealthy()], ids=lambda report: str(report.verdict))
def test_tables_have_as_many_cells_as_columns(report: Report) -> None:
    """Formats rely on it."""
    for block in all_blocks(document(replace(report, plots=dict.fromkeys(EVERY_PLOT, "a.png"))).blocks):
        if isinstance(block, Table):
            assert {len(block.columns)} == {len(block.numeric), *map(len, block.rows)} - (set() if block.rows else {0})


@pytest.mark.parametrize("directory", SAMPLES, ids=lambda directory: directory.name)
def test_sample_runs_have_all_their_figures(directory: Path) -> None:
    """With a picture, words and numbers each."""
    report = read_report(json.loads((directory / "report.json").read_text(encoding="utf-8")))
    shown = [block for block in all_blocks(document(report, directory).blocks) if isinstance(block, Figure)]
    assert sorted(figure.name for figure in shown) == sorted(report.plots)
    for figure in shown:
        assert figure.file == directory / report.plots[figure.name]
        assert figure.numbers is not None
        assert figure.alternative.endswith(".")


@settings(max_examples=40)
@given(st.lists(strings, min_size=3, max_size=5))
def test_any_strings_come_through(texts: list[str]) -> None:
    """The document holds them as they are: escaping is the format's."""
    some = cycle(texts)
    pytorch = f"x{next(some)}"
    setting = Settings(lr=0.1, optimizer=next(some), edits=(next(some),))
    report = Report(
        version=next(some),
        command=next(some),
        workload=WorkloadSummary(
            name=f"n{next(some)}", source=next(some), parameters=1, device=next(some), fingerprint=next(some)
        ),
        verdict="unhealthy",
        summary=next(some),
        findings=(
            Finding(
                rule=next(some),
                severity="error",
                title=next(some),
                detail=next(some),
                evidence={next(some): next(some), "m": {next(some): index for index in range(6)}},
                plots=(next(some),),
                fixes=(next(some),),
                locations=(Location(module=next(some), file=next(some), line=1),),
            ),
        ),
        fixes=(Fix(fix=next(some), title=next(some), status="untested", settings=setting, reason=next(some)),),
        recommendation=Recommendation(settings=setting, fixes=(), why=next(some), code={"pytorch": pytorch}),
        stages={},
        cost=Cost(trials=1, steps=1, seconds=1.0),
        not_run=(next(some),),
        plots={next(some): next(some)},
    )
    shown = list(texts_of(document(report, Path(__file__).parent)))
    assert {report.workload.name, report.summary, report.findings[0].title, report.not_run[0]} <= set(shown)
    assert pytorch.rstrip() in shown
