"""Tests of whole documents as markdown, read back."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.reporters.document.documents import all_blocks, documents, texts_of
from tests.reporters.markdown.parsed import one_line, parsed, tables, told
from trainsense.records.report import Report
from trainsense.reporters.document import Card, Code, Document, Facts, Figure, Folded, Heading, Items, Paragraph, Table
from trainsense.reporters.document.of_report import document_of_report
from trainsense.reporters.interface import Rendering
from trainsense.reporters.json import read_report
from trainsense.reporters.markdown import write_markdown
from trainsense.reporters.markdown.escaping import plain_text

SAMPLES = sorted((Path(__file__).parents[3] / "sample_runs").iterdir())


def written(document: Document, target: Path | None = None) -> str:
    """Return the document as it is written."""
    stream = io.StringIO()
    write_markdown(document, stream, target)
    return stream.getvalue()


def document_of(*blocks: Card | Code | Facts | Figure | Folded | Heading | Items | Paragraph | Table) -> Document:
    """Return a document of these blocks."""
    return Document(title="net", tone="healthy", verdict="healthy", subtitle="", summary="", blocks=blocks)


def sample(directory: Path) -> Report:
    """Return the report of a sample run."""
    return read_report(json.loads((directory / "report.json").read_text(encoding="utf-8")))


@settings(max_examples=70)
@given(document=documents)
def test_any_document_is_read_back(document: Document) -> None:
    """All of its strings are there as text, its tables are tables, its code is code, and no more."""
    tokens = parsed(written(document))
    text = told(tokens)
    for string in texts_of(document):
        assert one_line(plain_text(string)) in text
    every = list(all_blocks(document.blocks))
    expected = [block for block in every if isinstance(block, Table)]
    cells = [[[one_line(cell) for cell in row] for row in table] for table in tables(tokens)]
    assert cells == [
        [[one_line(plain_text(cell)) for cell in row] for row in (table.columns, *table.rows)] for table in expected
    ]
    assert sum(token.type == "fence" for token in tokens) == sum(isinstance(block, Code) for block in every)
    opened = sum(token.type == "html_block" and token.content.startswith("<details>") for token in tokens)
    closed = sum(token.type == "html_block" and token.content.startswith("</details>") for token in tokens)
    assert opened == closed == sum(isinstance(block, Folded | Figure) for block in every)
    assert not any(token.type in {"code_block", "hr", "blockquote_open", "ordered_list_open"} for token in tokens)


@pytest.mark.parametrize("directory", SAMPLES, ids=lambda directory: directory.name)
def test_the_first_lines_say_it_all(directory: Path) -> None:
    """The verdict with its sign on what, then the summary, then what to do."""
    report = sample(directory)
    text = written(document_of_report(report, Rendering(directory=directory)))
    first, second = (line for line in text.splitlines()[:3] if line)
    assert (first, one_line(told(parsed(second)))) == (f"# ✗ {report.verdict}: {report.workload.name}", report.summary)
    assert "![" not in text
    assert len(text.encode()) < 65_536  # what GitHub takes as a comment
    advice = report.recommendation
    assert (text.index("```python") < text.index("## Findings")) if advice else "```python" not in text


def test_a_card_shows_sign_word_name_and_title() -> None:
    """Each on its own to be found."""
    card = Card(tone="warning", label="warning, known", name="lr-too-high", title="Your lr 0.3 is too high")
    assert written(document_of(card)).endswith(
        "\n\n### ▲ warning, known `lr-too-high`\n\n**Your lr 0.3 is too high**\n"
    )


def test_numbers_stand_right() -> None:
    """A column of numbers is aligned by them."""
    table = Table(columns=("fix", "loss"), rows=(("warmup", "0.3"),), numeric=(False, True), caption="Losses.")
    assert written(document_of(table)).endswith("| fix | loss |\n| --- | ---: |\n| warmup | 0.3 |\n\nLosses.\n")


def test_code_keeps_its_characters() -> None:
    """It is to be copied: no escapes, tabs and fences of its own included."""
    code = Code(text="if x < 3:\n\ty = '```'  # @decorated | a_b_c\n", title="PyTorch")
    assert written(document_of(code)).endswith(
        "**PyTorch**\n\n````python\nif x < 3:\n\ty = '```'  # @decorated | a_b_c\n````\n"
    )


def test_without_pictures_a_figure_is_its_numbers() -> None:
    """Folded, below its title."""
    table = Table(columns=("lr",), rows=(("0.1",),), numeric=(True,))
    figure = Figure(name="lr-axis", alternative="Best 0.1.", caption="The lr axis", file=Path("a.png"), numbers=table)
    assert written(document_of(figure)).endswith(
        "<details>\n<summary>The lr axis</summary>\n\nBest 0.1.\n\n| lr |\n| ---: |\n| 0.1 |\n\n</details>\n"
    )


def test_blocks_without_content_leave_nothing() -> None:
    """Not an empty heading, item or line."""
    empty = document_of(
        Heading(text=" "),
        Paragraph(text="\x00"),
        Items(items=("", "\u200b")),
        Facts(rows=(("", ""),)),
        Paragraph(text="x"),
    )
    assert written(empty) == "# ✓ healthy: net\n\nx\n"
