"""Tests of the summary of a GitHub step: its size, and what goes first."""

import re

import pytest
from hypothesis import given, settings

from tests.reporters.document.documents import documents
from tests.reporters.markdown.parsed import parsed, told
from trainsense.reporters.document import Block, Card, Code, Document, Heading, Paragraph, Table
from trainsense.reporters.github import step_summary as module
from trainsense.reporters.github.step_summary import step_summary

LIMIT = 1_048_576
"""What GitHub takes (1 MiB)."""
SMALL = 20_000
"""A limit that is quick to reach."""


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let little be too much: to read a megabyte back takes long."""
    monkeypatch.setattr(module, "MOST_BYTES", SMALL)


def document_of(*blocks: Block, summary: str = "All is well.") -> Document:
    """Return a document of these blocks."""
    return Document(title="net", tone="unhealthy", verdict="unhealthy", subtitle="", summary=summary, blocks=blocks)


def table_of(size: int) -> Table:
    """Return a table of about so many bytes."""
    return Table(columns=("name",), rows=(("x" * 96,),) * (size // 100), numeric=(False,))


def checked(document: Document) -> str:
    """Return the summary, within the limit and whole."""
    text = step_summary(document)
    assert len(text.encode()) < LIMIT
    tokens = parsed(text)
    opened = [token.content.startswith("<details>") for token in tokens if token.type == "html_block"]
    assert opened.count(True) == opened.count(False)
    assert not any(child.type == "image" for token in tokens for child in token.children or ())
    told(tokens)
    return text


def test_a_short_document_is_whole() -> None:
    """And says nothing of size."""
    text = checked(document_of(Heading(text="Findings"), Paragraph(text="none")))
    assert text == "# ✗ unhealthy: net\n\nAll is well.\n\n## Findings\n\nnone\n"


@settings(max_examples=20)
@given(document=documents)
def test_any_document_fits(document: Document) -> None:
    """Without pictures, whatever it holds."""
    assert "left out in part" not in checked(document)


@pytest.mark.usefixtures("small_limit")
def test_the_last_sections_go_first() -> None:
    """Whole blocks go, a heading does not stay alone, and what went is named."""
    names = ("Recommendation", "Findings", "Layers", "Provenance | x")
    blocks = [block for name in names for block in (Heading(text=name), table_of(SMALL * 2 // 5))]
    text = checked(document_of(*blocks))
    assert [name for name in names[:3] if f"## {name}" in text] == ["Recommendation", "Findings"]
    assert text.endswith("Too long for the summary of a step, left out in part or whole: Layers, Provenance \\| x.\n")
    assert text.count("| --- |") == 2


@pytest.mark.usefixtures("small_limit")
def test_of_a_card_that_is_too_long_the_title_stays() -> None:
    """A finding is not lost, nor what comes after it."""
    card = Card(tone="error", label="error", name="lr-too-high", title="Too high", blocks=(Code(text="x" * SMALL),))
    text = checked(document_of(Heading(text="Findings"), card, Heading(text="Layers"), Paragraph(text="twelve")))
    assert "### ✗ error `lr-too-high`\n\n**Too high**\n\n## Layers\n\ntwelve" in text
    assert text.endswith("whole: Findings.\n")


@pytest.mark.parametrize("letter", ["x", "\U0001f642", "<"])
def test_bytes_count_not_letters(letter: str) -> None:
    """A text grows when it is escaped and encoded."""
    blocks = [
        Paragraph(text=letter * 20_000)
        for _ in range(1 + 1_200_000 // (20_000 * len(letter.encode("utf-8", "replace"))))
    ]
    text = step_summary(document_of(*blocks, summary=letter * 30_000))
    assert LIMIT // 2 < len(text.encode()) < LIMIT
    assert text.startswith("# ✗ unhealthy: net\n")


@pytest.mark.usefixtures("small_limit")
def test_many_sections_are_counted() -> None:
    """The line that names them stays short."""
    blocks = [block for index in range(50) for block in (Heading(text=f"{index} " + "&" * 500), table_of(1_000))]
    text = checked(document_of(*blocks))
    assert re.search(r" and \d+ more\.\n$", text)
    assert len(text.rstrip().rsplit("\n", 1)[-1]) < 5_000
