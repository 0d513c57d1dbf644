"""The summary of a GitHub step: markdown for `$GITHUB_STEP_SUMMARY`, at most 1 MiB, without pictures."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from trainsense.reporters.document import Block, Card, Document, Heading
from trainsense.reporters.markdown.blocks import block_markdown, head_markdown
from trainsense.reporters.markdown.escaping import one_line
from trainsense.reporters.shortening import shortened

MOST_BYTES: Final = 1_000_000
"""GitHub takes 1 MiB (1,048,576 bytes) a step and refuses a longer summary; the rest is for the note of what is left out."""
LONG_TEXT: Final = 10_000
"""Characters from which on a title or summary is cut: it would leave no room for the rest."""
MOST_NAMED: Final = 8
"""Sections at most that the note names."""
NAME_COLUMNS: Final = 60
START: Final = "the beginning"
"""What stands before the first heading."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A block as markdown; `short` is what stays of it where the whole has no room."""

    section: str
    text: str
    short: str = ""
    heading: bool = False


def step_summary(document: Document) -> str:
    """Return the document as GitHub shows it, below 1 MiB in UTF-8.

    What does not fit is left out block by block, the last first, and named in a last line.
    """
    head = head_markdown(replace(document, title=_cut(document.title), summary=_cut(document.summary)))
    parts = list(_parts(document.blocks))
    texts = _fitting(parts, MOST_BYTES - _size(head))
    lost = dict.fromkeys(part.section for part, text in zip(parts, texts, strict=True) if text != part.text)
    told = [head, *_without_empty_sections(parts, texts), _note(list(lost))]
    return "\n\n".join(text for text in told if text) + "\n"


def _parts(blocks: Iterable[Block]) -> Iterator[_Part]:
    section = START
    for block in blocks:
        text = block_markdown(block, None)
        short = ""
        if isinstance(block, Heading):
            section = block.text if block.level <= 2 else section
        elif isinstance(block, Card):
            short = block_markdown(replace(block, title=_cut(block.title), blocks=()), None)
        if text:
            yield _Part(section=section, text=text, short=short, heading=isinstance(block, Heading))


def _fitting(parts: Sequence[_Part], room: int) -> list[str]:
    """Return what stays of each part: all of it, of a card that is too long its title, or nothing."""
    texts = []
    for part in parts:
        text = next((one for one in (part.text, part.short) if _size(one) <= room), "")
        room -= _size(text)
        texts.append(text)
    return texts


def _without_empty_sections(parts: Sequence[_Part], texts: Sequence[str]) -> Iterator[str]:
    """Yield the texts without the headings below which nothing is left."""
    filled = {part.section for part, text in zip(parts, texts, strict=True) if text and not part.heading}
    for part, text in zip(parts, texts, strict=True):
        if not part.heading or part.section in filled:
            yield text


def _note(sections: Sequence[str]) -> str:
    if not sections:
        return ""
    names = [shortened(name, NAME_COLUMNS) for name in sections[:MOST_NAMED]]
    more = f" and {len(sections) - MOST_NAMED} more" if len(sections) > MOST_NAMED else ""
    return f"Too long for the summary of a step, left out in part or whole: {one_line(', '.join(names))}{more}."


def _cut(text: str) -> str:
    return text if len(text) <= LONG_TEXT else f"{text[:LONG_TEXT]}…"


def _size(text: str) -> int:
    """Return the bytes of a part with the empty line after it."""
    return len(text.encode("utf-8", "replace")) + 2
