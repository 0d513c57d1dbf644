"""The page of a document: what a browser, a screen reader and a strict parser find in it."""

import re
from io import BytesIO, StringIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings

from tests.reporters.html.documents import TONES, document, documents, full, png
from tests.reporters.html.reading import one, parsed, read, text_in, with_class, written
from trainsense.reporters.document import Block, Card, Code, Document, Facts, Folded, Heading, Paragraph, Table
from trainsense.reporters.html import write_html
from trainsense.reporters.html.markup import clean

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def test_is_one_page_that_names_its_language_title_and_policy() -> None:
    page = written(full(None))
    root = parsed(page)
    assert page.startswith("<!DOCTYPE html>\n")
    assert root.get("lang") == "en"
    assert text_in(one(root, "head/title")) == "unhealthy: wide_resnet.py"
    metas = {meta.get("http-equiv") or meta.get("name"): meta.get("content") for meta in root.iterfind("head/meta")}
    assert metas["Content-Security-Policy"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert root.find("head/meta").get("charset") == "utf-8"  # type: ignore[union-attr]
    assert [child.tag for child in one(root, "body")] == ["header", "nav", "main"]


def test_begins_with_the_verdict_and_the_summary() -> None:
    header = one(read(full(None)), "body/header")
    assert " ".join(text_in(header).split()) == "✗ unhealthy wide_resnet.py Train at lr 0.1. cpu · 3 & 4"
    assert text_in(one(header, ".//h1")) == "wide_resnet.py"


def test_nothing_runs_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    _is_inert(written(full(tmp_path / "a.png")))


@settings(max_examples=60, deadline=None)
@given(documents)
def test_no_string_becomes_markup(given_document: Document) -> None:
    page = written(given_document)
    root = _is_inert(page)
    said = re.sub(r"\s+", "", text_in(root))
    for text in _texts(given_document):
        assert re.sub(r"\s+", "", clean(text)) in said


def _texts(given_document: Document) -> list[str]:
    told = [given_document.title, given_document.verdict, given_document.subtitle, given_document.summary]
    for block in given_document.blocks:
        match block:
            case Paragraph():
                told.append(block.text)
            case Table():
                told += [block.caption, *(cell for row in block.rows for cell in row)]
            case Facts():
                told += [text for row in block.rows for text in row]
            case Code():
                told += [block.title, block.text]
            case Folded():
                told.append(block.summary)
            case Card():
                told += [block.label, block.name, block.title]
            case _:
                pass
    return told


def _is_inert(page: str) -> Element:
    root = parsed(page)
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "article", "div"}
    allowed |= {
        "p",
        "br",
        "wbr",
        "span",
        "code",
        "pre",
        "a",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "details",
        "summary",
        *HEADINGS,
    }
    allowed |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img"}
    for element in root.iter():
        assert element.tag in allowed
        assert not any(name.startswith("on") or name == "style" for name in element.attrib)
        assert element.get("href", "#").startswith("#")
        assert element.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
    style = text_in(one(root, "head/style"))
    assert "url(" not in style
    assert "@import" not in style
    for image in root.iter("img"):
        assert image.get("alt")
    return root


def test_headings_are_in_order_and_ids_are_unique() -> None:
    root = read(full(None))
    levels = [HEADINGS.index(element.tag) for element in root.iter() if element.tag in HEADINGS]
    assert levels[0] == 0
    assert levels.count(0) == 1
    assert all(level <= before + 1 for before, level in pairwise(levels))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    targets = [link.get("href", "").removeprefix("#") for link in root.iter("a")]
    assert targets
    assert set(targets) <= set(ids)
    assert {section.get("aria-labelledby") for section in root.iter("section")} <= set(ids)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ((Heading(text="a", level=3), Heading(text="b", level=2), Heading(text="c", level=3)), ["h2", "h2", "h3"]),
        ((Card(tone="note", label="note", name="n", title="t"),), ["h2"]),
        (
            (Heading(text="a"), Folded(summary="s", blocks=(Heading(text="b"), Heading(text="c", level=3)))),
            ["h2", "h3", "h4"],
        ),
    ],
)
def test_a_level_is_never_skipped(blocks: tuple[Block, ...], expected: list[str]) -> None:
    tags = [element.tag for element in one(read(document(*blocks)), "body/main").iter() if element.tag in HEADINGS]
    assert tags == expected


def test_a_tone_is_told_by_sign_and_word() -> None:
    badges = {text_in(badge) for badge in with_class(one(read(full(None)), "body/main"), "badge")}
    signs = {"✗ unhealthy", "✗ error", "✗ rejected", "✓ healthy", "✓ verified", "▲ warning", "● note", "? inconclusive"}
    assert badges == signs | {"· untested", "neutral"}
    assert len(badges) == len(TONES)


def test_table_headers_say_what_they_head() -> None:
    words, numbers = read(full(None)).findall("body/main/section/div/table")
    assert [header.get("scope") for header in words.iter("th")] == ["col"] * 3 + ["row"] * 2
    assert [header.get("scope") for header in numbers.iter("th")] == ["col"]
    assert [text_in(cell) for cell in words.iterfind("tbody/tr/*")] == [
        "layer.0",
        "0.5",
        "<b>",
        "layer.1",
        "1.5",
        "<b>",
    ]


def test_what_scrolls_can_be_reached_and_has_a_name() -> None:
    boxes = with_class(read(full(None)), "scroll")
    assert all(box.get("tabindex") == "0" and box.get("role") == "group" and box.get("aria-label") for box in boxes)
    scrolling = [child.tag for box in boxes for child in box]
    assert set(scrolling) == {"table", "pre"}


def test_code_is_kept_to_the_letter() -> None:
    code = one(read(full(None)), ".//pre[@class='copy']/code")
    assert text_in(code) == "\nlr = 0.1\n\tprint('<a> & b')  \n"


def test_a_stream_without_all_characters_gets_references() -> None:
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="latin-1", newline="\n")
    write_html(full(None), stream)
    stream.flush()
    plain = StringIO()
    write_html(full(None), plain)
    assert text_in(parsed(raw.getvalue().decode("ascii"))) == text_in(parsed(plain.getvalue()))
    assert "✗" in plain.getvalue()
