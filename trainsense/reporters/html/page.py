"""The page: what a browser must know, the verdict on top, sections below."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Final

from trainsense.reporters.document import Block, Document, Heading
from trainsense.reporters.html.blocks import Place, blocks_of
from trainsense.reporters.html.markup import Markup, breakable, element
from trainsense.reporters.html.texts import first, limited, text_of
from trainsense.reporters.html.tones import COLOURS, badge

POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the browser may do with the page: show its own pictures and styles, fetch and run nothing."""
FEWEST_IN_NAVIGATION: Final = 3
"""Sections from which on the page lists them."""
MOST_IN_NAVIGATION: Final = 20


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands below it; the blocks before the first one have none."""

    heading: Heading | None
    blocks: tuple[Block, ...]


def page_of(document: Document, place: Place) -> Markup:
    """Return the document as one page.

    Args:
        document: what it says.
        place: the level of its title, what is shown of anything long, and the pictures at hand.
    """
    kept, left_out = first(document.blocks, place.limits.blocks, "part")
    sections = _sections(kept)
    written = (_section(section, number, place) for number, section in enumerate(sections))
    body = (_hero(document, place), _navigation(sections, place), element("main", *written, left_out))
    html = element("html", _head(document, place), element("body", *body), lang="en")
    return Markup.joined(Markup("<!DOCTYPE html>\n"), html)


def _head(document: Document, place: Place) -> Markup:
    named = limited(f"{document.verdict}: {document.title}", place.limits)
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="trainsense"),
        element("title", " ".join(named.split())),
        element("style", Markup("\n" + stylesheet())),
    )


def stylesheet() -> str:
    """Return the page's styles, as they are kept with the package."""
    return files("trainsense.reporters.html").joinpath("page.css").read_text(encoding="utf-8")


def _hero(document: Document, place: Place) -> Markup:
    limits = place.limits
    verdict = element("p", badge(document.tone, limited(document.verdict, limits)), class_="verdict")
    title = element(f"h{place.level}", breakable(limited(document.title, limits)))
    summary = element("p", text_of(document.summary, limits), class_="summary") if document.summary else Markup()
    subtitle = element("p", text_of(document.subtitle, limits), class_="quiet") if document.subtitle else Markup()
    return element("header", element("div", verdict, title, summary, subtitle), class_=f"hero {COLOURS[document.tone]}")


def _navigation(sections: Sequence[Section], place: Place) -> Markup:
    links = [
        element("li", element("a", limited(section.heading.text, place.limits), href=f"#section-{number}"))
        for number, section in enumerate(sections)
        if section.heading is not None
    ]
    if not FEWEST_IN_NAVIGATION <= len(links) <= MOST_IN_NAVIGATION:
        return Markup()
    return element("nav", element("ul", *links), aria_label="Sections")


def _section(section: Section, number: int, place: Place) -> Markup:
    if section.heading is None:
        return element("div", *blocks_of(section.blocks, place), class_="lead")
    name = f"section-{number}"
    below = Place(level=place.level + 1, limits=place.limits, pictures=place.pictures)
    heading = element(f"h{below.level}", limited(section.heading.text, place.limits), id=name)
    return element("section", heading, *blocks_of(section.blocks, below), aria_labelledby=name)


def _sections(blocks: Sequence[Block]) -> list[Section]:
    """Return the blocks under the headings of sections that they stand under."""
    starts = [at for at, block in enumerate(blocks) if isinstance(block, Heading) and block.level <= 2]
    before = starts[0] if starts else len(blocks)
    sections = [Section(heading=None, blocks=tuple(blocks[:before]))] if before else []
    for start, end in pairwise([*starts, len(blocks)]):
        heading = blocks[start]
        assert isinstance(heading, Heading)
        sections.append(Section(heading=heading, blocks=tuple(blocks[start + 1 : end])))
    return sections
