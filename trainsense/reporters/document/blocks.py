"""What a document is made of. All strings are plain text: each format escapes what it must."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tone = Literal[
    "healthy", "unhealthy", "inconclusive", "error", "warning", "note", "verified", "rejected", "untested", "neutral"
]
"""What a heading or a card stands for; shown as sign, word and colour, never by colour alone."""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading below the document's title: level 2 for sections, 3 within."""

    text: str
    level: int = 2


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Running text; line breaks in it are kept. `quiet` text is secondary: shown smaller or paler."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Items:
    """A bullet list."""

    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Terms and what they are: `("price", "no extra steps")`."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Args:
        columns: their headings.
        rows: as many cells each as there are columns.
        numeric: for each column whether it holds numbers (aligned right).
        caption: what it shows; may be empty.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Code:
    """Lines to copy, or a drawing of characters (`language` empty). `title` names what they are for."""

    text: str
    language: str = "python"
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A plot.

    Args:
        name: as findings refer to it.
        alternative: what it shows in one or two sentences with the numbers, for who cannot see it.
        caption: its title.
        file: the PNG, as a path that can be opened; None where it is not at hand.
        numbers: the plotted numbers; None where the report does not hold them.
    """

    name: str
    alternative: str
    caption: str
    file: Path | None
    numbers: Table | None


@dataclass(frozen=True, kw_only=True)
class Folded:
    """Details that are closed at first; `summary` is the line that is always shown."""

    summary: str
    blocks: "tuple[Block, ...]"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One finding, fix or change: a tone with its word, a name in code font, a title, and blocks.

    Args:
        tone: its kind; `neutral` shows no sign.
        label: the word beside the sign: `error`, `verified`, …
        name: the rule's or the fix's name.
        title: one line.
        blocks: the rest.
    """

    tone: Tone
    label: str
    name: str
    title: str
    blocks: "tuple[Block, ...]" = ()


Block = Heading | Paragraph | Items | Facts | Table | Code | Figure | Folded | Card


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole document.

    Args:
        title: what it is about: the workload's name.
        tone: of the verdict.
        verdict: its word.
        subtitle: source, size, device, command: one quiet line.
        summary: what to make of it.
        blocks: the rest, top to bottom.
    """

    title: str
    tone: Tone
    verdict: str
    subtitle: str
    summary: str
    blocks: tuple[Block, ...]
