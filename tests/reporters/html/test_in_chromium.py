"""The page as a browser shows it: skipped where there is no Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reporters.html.chromium import EXECUTABLE, Browser, Tab, browser, new_tab
from tests.reporters.html.documents import ATTACKS, document, full, png
from trainsense.reporters.document import Card, Code, Facts, Folded, Heading, Paragraph, Table
from trainsense.reporters.html import write_html

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here")
WIDE = Table(columns=("a_long_column",) * 30, rows=(("1.23456e-05",) * 30,) * 3, numeric=(False, *(True,) * 29))
LONG = "x" * 300


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as process:
        try:
            with new_tab(process):
                pass
        except (AssertionError, OSError):
            pytest.skip("Chromium does not start here")
        yield process


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "a.png").write_bytes(png(width=1216, height=700))
    attacks = (
        Facts(rows=tuple((text, text) for text in ATTACKS)),
        Code(text=LONG, title=LONG),
        WIDE,
        Paragraph(text=LONG),
    )
    card = Card(tone="error", label="error", name=LONG, title=LONG, blocks=(Folded(summary=LONG, blocks=attacks),))
    long = document(Heading(text=LONG), *attacks, Heading(text="Findings"), card, title=LONG)
    for name, given in (("full", full(folder / "a.png")), ("long", long)):
        with (folder / f"{name}.html").open("w", encoding="utf-8") as stream:
            write_html(given, stream)
    return folder


@pytest.fixture
def tab(running: Browser) -> Iterator[Tab]:
    with new_tab(running) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("full", 360, "light"), ("full", 1280, "dark"), ("long", 360, "dark")]
)
def test_opens_in_silence_within_the_window_and_is_accessible(
    name: str, width: int, scheme: str, tab: Tab, pages: Path
) -> None:
    tab.open(pages / f"{name}.html", width=width, scheme=scheme)
    assert tab.requests() == [(pages / f"{name}.html").as_uri()]
    assert tab.value("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    assert tab.value("[...document.images].every(image => image.complete && image.naturalWidth)")
    assert tab.complaints() == []
    assert tab.axe() == []


def test_a_complaint_is_heard(tab: Tab, pages: Path) -> None:
    page = pages / "bad.html"
    page.write_text("<!DOCTYPE html><title>a</title><script>absent()</script><img src='http://127.0.0.1:9/a.png'>")
    tab.open(page, width=360, scheme="light")
    assert len(tab.requests()) == 2
    assert len(tab.complaints()) == 2
    assert any(fault.startswith("image-alt") for fault in tab.axe())


def test_is_dark_where_asked_and_never_on_paper(tab: Tab, pages: Path) -> None:
    grounds = (
        "[document.documentElement, document.querySelector('header')].map(e => getComputedStyle(e).backgroundColor)"
    )
    tab.open(pages / "full.html", width=1280, scheme="dark")
    assert tab.value(grounds) == ["rgb(19, 21, 23)", "rgb(27, 30, 33)"]
    tab.send("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert tab.value(grounds) == ["rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"]


def test_details_are_closed_on_screen_and_printed(tab: Tab, pages: Path) -> None:
    height = "document.querySelector('figure details table').getBoundingClientRect().height"
    tab.open(pages / "full.html", width=1280, scheme="light")
    assert (
        tab.value("document.querySelector('figure details table').checkVisibility({contentVisibilityAuto: true})")
        is False
    )
    tab.send("Emulation.setEmulatedMedia", media="print")
    assert tab.value(height) > 0
    assert tab.value("document.querySelector('figure details table').checkVisibility()") is True


def test_code_is_selected_as_a_whole(tab: Tab, pages: Path) -> None:
    tab.open(pages / "full.html", width=1280, scheme="light")
    tab.send("Page.bringToFront")
    tab.value("document.querySelector('.copy code').scrollIntoView({block: 'center'})")
    x, y = tab.value("(({x, y}) => [x + 20, y + 33])(document.querySelector('.copy code').getBoundingClientRect())")
    for kind in ("mousePressed", "mouseReleased"):
        tab.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    assert tab.value("getSelection().toString().trim()") == "lr = 0.1\n\tprint('<a> & b')"
