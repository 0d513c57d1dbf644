"""Tests of escaping: a stranger's text comes back as text, wherever it stands."""

import html
import time

import pytest
from hypothesis import example, given, settings

from tests.reporters.markdown.parsed import OURS, one_line, parsed, strings, tables, told
from trainsense.reporters.markdown import escaping

CASES = 80


def shown(text: str) -> str:
    """Return what is to be seen of a text."""
    return one_line(escaping.plain_text(text))


@settings(max_examples=CASES)
@given(text=strings)
@example(text="`@a`@b\\")
@example(text="@a_b_ _c@d")
@example(text="http://a|b\\|c")
def test_a_line_comes_back(text: str) -> None:
    """In a heading, in bold letters, in a cell, in the words of a picture."""
    line = escaping.one_line(text)
    assert told(parsed(f"# x {line}")) == one_line(f"x {shown(text)}")
    if line:
        assert told(parsed(f"**{line}**")) == shown(text)
        assert told(parsed(f"- **{line}** x")) == f"{shown(text)} x"
    cells = tables(parsed(f"| a | {line} |\n| --- | --- |\n| {line} | b |"))
    assert [[one_line(cell) for cell in row] for row in cells[0]] == [["a", shown(text)], [shown(text), "b"]]
    (image,) = parsed(f"![{line}](plots/a.png)")[1].children or []
    assert one_line("".join(child.content for child in image.children or [])) == shown(text)


@settings(max_examples=CASES)
@given(text=strings)
@example(text="a\n- b\n===\n\n    c\n1. d\n|a|\n|---|")
@example(text="a\n:--")
def test_running_text_comes_back(text: str) -> None:
    """As paragraphs, and as items of a list, with nothing else in them."""
    written = escaping.running_text(text)
    tokens = parsed(written)
    assert told(tokens) == shown(text)
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    items = parsed(f"- x {escaping.running_text(text, '  ')}\n- y")
    assert told(items) == one_line(f"x {shown(text)} y")
    assert [token.type for token in items].count("list_item_open") == 2
    assert not any(line.startswith("/") for line in written.splitlines())


@settings(max_examples=CASES)
@given(text=strings)
def test_code_comes_back(text: str) -> None:
    """As it is, but for what is no text."""
    (block,) = parsed(escaping.code_block(text, "python"))
    assert (block.type, block.info) == ("fence", "python")
    assert block.content.strip("\n") == escaping.plain_text(text, tabs=True).strip("\n")
    assert told(parsed(f"x {escaping.code_span(text)} y")) == one_line(f"x {shown(text)} y")


@settings(max_examples=CASES)
@given(text=strings)
def test_a_summary_comes_back(text: str) -> None:
    """It is HTML: nothing of it is a tag, and it ends where it is to end."""
    (block,) = parsed(f"<details>\n<summary>{escaping.html_line(text)}</summary>\n")
    match = OURS.fullmatch(block.content)
    assert match is not None
    assert html.unescape(match["text"].replace("<code>", "").replace("</code>", "")) == shown(text)


def test_line_breaks_stay() -> None:
    """A user's lines are lines, and an empty one parts paragraphs."""
    tokens = parsed(escaping.running_text("one\ntwo\r\n\r\nthree"))
    assert [token.content for token in tokens if token.type == "inline"] == ["one\\\ntwo", "three"]


def test_what_needs_no_escape_has_none() -> None:
    """The text is read as it is written, too."""
    text = "Best lr 0.1 (0.05 to 0.2), +21% of the drop; layers.0.weight at best_lr - see net.py:17!"
    assert escaping.one_line(text) == text


@pytest.mark.parametrize("language", ["python\n```\n<b>", "mermaid x", "A"])
def test_a_language_is_a_word(language: str) -> None:
    """All else could end the block or start another."""
    (block,) = parsed(escaping.code_block("x", language))
    assert (block.type, block.info, block.content) == ("fence", "", "x\n")


@pytest.mark.parametrize(
    "text", ["a" * 300_000, "a." * 150_000, ":" * 100_000, "`" * 100_000, "https://" * 30_000, "_" * 100_000]
)
def test_long_texts_take_no_time(text: str) -> None:
    """Linear in their length."""
    start = time.process_time()
    escaping.running_text(text)
    assert time.process_time() - start < 1.0
