"""One file of at most two megabytes, whatever the document holds."""

import codecs
from dataclasses import replace
from typing import TextIO

from trainsense.reporters.document import Document, Paragraph
from trainsense.reporters.html.blocks import Place
from trainsense.reporters.html.limits import MOST_BYTES, MOST_TEXT_BYTES, STEPS, Limits, bytes_of, characters_of
from trainsense.reporters.html.page import page_of
from trainsense.reporters.html.pictures import pictures_within
from trainsense.reporters.html.texts import ELSEWHERE

TOO_LONG = Paragraph(text=f"This part is left out here: it is too long for a page. {ELSEWHERE}", quiet=True)


def write_html(document: Document, stream: TextIO) -> None:
    """Write the document as one page, pictures included.

    Args:
        document: what it says; pictures are read from the files that its figures name.
        stream: where to; characters that its encoding lacks are written as references.
    """
    page = fitted_page(document)
    stream.write(page if _holds_all(stream.encoding) else page.encode("ascii", "xmlcharrefreplace").decode("ascii"))


def fitted_page(document: Document) -> str:
    """Return the page, cut no shorter than its size asks for: first pictures, the last first, then long texts."""
    for limits in STEPS:
        # what is too long before it is written need not be written
        if characters_of(document, limits) <= MOST_TEXT_BYTES:
            size = bytes_of(_page(document, limits))
            if size <= MOST_TEXT_BYTES:
                break
    else:
        document = _without_the_largest(document, limits)
        size = bytes_of(_page(document, limits))
    return _page(document, limits, room=MOST_BYTES - size)


def _page(document: Document, limits: Limits, *, room: int = 0) -> str:
    pictures = pictures_within(document.blocks, room)
    return page_of(document, Place(level=1, limits=limits, pictures=pictures))


def _without_the_largest(document: Document, limits: Limits) -> Document:
    """Return the document with its largest blocks replaced by a line each, until it is short enough for a page."""
    blocks = list(document.blocks[: limits.blocks + 1])
    alone = [bytes_of(_page(replace(document, blocks=(block,)), limits)) for block in blocks]
    replaced = bytes_of(_page(replace(document, blocks=(TOO_LONG,)), limits))
    total = sum(alone)
    for at in sorted(range(len(blocks)), key=alone.__getitem__, reverse=True):
        if total <= MOST_TEXT_BYTES:
            break
        blocks[at] = TOO_LONG
        total += replaced - alone[at]
    return replace(document, blocks=(*blocks, *document.blocks[len(blocks) :]))


def _holds_all(encoding: str | None) -> bool:
    """Return whether the encoding has every character; a stream without one holds text as it is."""
    return encoding is None or codecs.lookup(encoding).name.startswith("utf")
