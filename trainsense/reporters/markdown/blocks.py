"""Blocks as markdown."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from trainsense.reporters.document.blocks import (
    Block,
    Card,
    Code,
    Document,
    Facts,
    Figure,
    Folded,
    Heading,
    Items,
    Paragraph,
    Table,
    Tone,
)
from trainsense.reporters.markdown.escaping import code_block, code_span, html_line, one_line, running_text
from trainsense.reporters.sections.layout import SYMBOLS

Links = Mapping[Path, str]
"""Where the picture of a figure can be found, by its file; without an entry it could not be read."""

ITEM: Final = "  "
"""What a line of a list item begins with after its first."""
DEEPEST: Final = 6


def head_markdown(document: Document) -> str:
    """Return the first lines: the verdict on what, what to make of it, and what it is about."""
    verdict = _signed(document.tone, document.verdict)
    title = ": ".join(part for part in (verdict, one_line(document.title)) if part)
    return _apart([f"# {title}", running_text(document.summary), running_text(document.subtitle)])


def block_markdown(block: Block, links: Links | None) -> str:  # noqa: PLR0911 - one return per kind of block
    """Return a block as markdown, without a line feed at its end; nothing where it holds nothing.

    Args:
        block: the block.
        links: where the pictures are; None where there are to be none.
    """
    match block:
        case Heading():
            return _titled(block.level, one_line(block.text))
        case Paragraph():
            return running_text(block.text)
        case Items():
            return _list(block.items)
        case Facts():
            return _facts(block)
        case Table():
            return _table(block)
        case Code():
            return _apart([_bold(block.title), code_block(block.text, block.language)])
        case Figure():
            return _figure(block, links)
        case Folded():
            return folded(block.summary, (block_markdown(one, links) for one in block.blocks))
        case Card():
            return _card(block, links)


def folded(summary: str, blocks: Iterable[str]) -> str:
    """Return blocks of markdown that are closed at first."""
    return _apart([f"<details>\n<summary>{html_line(summary)}</summary>", *blocks, "</details>"])


def _card(card: Card, links: Links | None) -> str:
    head = " ".join(part for part in (_signed(card.tone, card.label), code_span(card.name)) if part)
    return _apart([_titled(3, head), _bold(card.title), *(block_markdown(one, links) for one in card.blocks)])


def _titled(level: int, text: str) -> str:
    return f"{'#' * min(max(level, 1), DEEPEST)} {text}" if text else ""


def _signed(tone: Tone, word: str) -> str:
    return " ".join(part for part in (SYMBOLS.get(tone, ""), one_line(word)) if part)


def _bold(text: str) -> str:
    line = one_line(text)
    return f"**{line}**" if line else ""


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for item in items if (text := running_text(item, ITEM)))


def _facts(facts: Facts) -> str:
    lines = []
    for term, meaning in facts.rows:
        told = " ".join(
            part for part in (_bold(f"{term}:") if term.strip() else "", running_text(meaning, ITEM)) if part
        )
        if told:
            lines.append(f"- {told}")
    return "\n".join(lines)


def _table(table: Table) -> str:
    """Return a table of GitHub's flavour; its caption below it."""
    if not table.columns:
        return running_text(table.caption)
    rules = ["---:" if numeric else "---" for numeric in table.numeric]
    width = len(table.columns)
    cells = [[one_line(cell) for cell in row] for row in (table.columns, *table.rows)]
    rows = [cells[0], (rules + ["---"] * width), *cells[1:]]
    lines = [f"| {' | '.join((row + [''] * width)[:width])} |" for row in rows]
    return _apart(["\n".join(lines), running_text(table.caption)])


def _figure(figure: Figure, links: Links | None) -> str:
    """Return the picture below its title, and its numbers folded; where pictures are none, all of it folded."""
    words = running_text(figure.alternative)
    numbers = "" if figure.numbers is None else _table(figure.numbers)
    if links is None:
        return folded(figure.caption, [words, numbers])
    picture = _picture(figure, links)
    return _apart([_bold(figure.caption), picture, folded("The figure in words and numbers", [words, numbers])])


def _picture(figure: Figure, links: Links) -> str:
    if figure.file is None:
        return ""
    if figure.file not in links:
        return "The picture of this figure cannot be read."
    return f"![{one_line(figure.alternative)}]({links[figure.file]})"


def _apart(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part)
