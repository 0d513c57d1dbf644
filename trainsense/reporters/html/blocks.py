"""Blocks of a document as HTML, headings in order whatever holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from trainsense.reporters.document import (
    Block,
    Card,
    Code,
    Facts,
    Figure,
    Folded,
    Heading,
    Items,
    Paragraph,
    Table,
)
from trainsense.reporters.html.figures import figure_of
from trainsense.reporters.html.limits import Limits
from trainsense.reporters.html.markup import Markup, element
from trainsense.reporters.html.pictures import Picture
from trainsense.reporters.html.tables import scroll_box, table_of
from trainsense.reporters.html.texts import first, limited, text_of
from trainsense.reporters.html.tones import badge

DEEPEST_HEADING: Final = 6


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a block stands.

    Args:
        level: of the heading above it, 1 for the document's title.
        limits: of the page.
        pictures: those at hand, by file.
    """

    level: int
    limits: Limits
    pictures: Mapping[Path, Picture]


def blocks_of(blocks: Sequence[Block], place: Place) -> list[Markup]:
    """Return the blocks, one after the other; a heading is written one level below the one that it stands under."""
    kept, left_out = first(blocks, place.limits.blocks, "part")
    written = []
    here, opened = place, list[int]()
    for block in kept:
        if isinstance(block, Heading):
            while opened and opened[-1] >= block.level:
                opened.pop()
            opened.append(block.level)
            here = replace(place, level=min(place.level + len(opened), DEEPEST_HEADING))
        written.append(block_of(block, here))
    return [*written, left_out]


def block_of(block: Block, place: Place) -> Markup:
    """Return one block; a heading is written at the place's level, everything else stands below it."""
    match block:
        case Heading():
            return element(f"h{place.level}", limited(block.text, place.limits))
        case Folded():
            summary = element("summary", limited(block.summary, place.limits))
            return element("details", summary, *blocks_of(block.blocks, place))
        case Card():
            return _card(block, replace(place, level=min(place.level + 1, DEEPEST_HEADING)))
        case _:
            return _plain(block, place)


def _plain(block: Paragraph | Items | Facts | Table | Code | Figure, place: Place) -> Markup:
    match block:
        case Paragraph():
            return element("p", text_of(block.text, place.limits), class_="quiet" if block.quiet else None)
        case Items():
            return _items(block, place)
        case Facts():
            return _facts(block, place)
        case Table():
            return table_of(block, place.limits)
        case Code():
            return _code(block, place)
        case Figure():
            return figure_of(block, place.pictures.get(block.file) if block.file else None, place.limits)


def _items(block: Items, place: Place) -> Markup:
    kept, left_out = first(block.items, place.limits.rows, "entry")
    return Markup.joined(element("ul", *(element("li", text_of(item, place.limits)) for item in kept)), left_out)


def _facts(block: Facts, place: Place) -> Markup:
    kept, left_out = first(block.rows, place.limits.rows, "entry")
    rows = (
        element("div", element("dt", limited(term, place.limits)), element("dd", text_of(fact, place.limits)))
        for term, fact in kept
    )
    return Markup.joined(element("dl", *rows), left_out)


def _code(block: Code, place: Place) -> Markup:
    title = limited(block.title, place.limits)
    text = element("code", limited(block.text, place.limits))
    box = element("pre", text, class_="copy" if block.language else "drawing")
    named = title or ("Code to copy" if block.language else "Drawing")
    shown = element("p", title, class_="code-title") if title else Markup()
    return element("div", shown, scroll_box(box, named), class_="code")


def _card(card: Card, place: Place) -> Markup:
    name = element("code", limited(card.name, place.limits)) if card.name else Markup()
    signed = badge(card.tone, limited(card.label, place.limits)) if card.label or card.tone != "neutral" else Markup()
    line = element("p", signed, " " if signed and name else "", name, class_="card-kind")
    title = element(f"h{place.level}", limited(card.title or card.name, place.limits))
    return element("article", line, title, *blocks_of(card.blocks, place), class_="card")
