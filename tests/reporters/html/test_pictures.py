"""Pictures: those that the document names and that can be read."""

import os
from base64 import b64decode
from pathlib import Path

import pytest

from tests.reporters.html.documents import document, figure, png, table
from tests.reporters.html.reading import one, read, text_in


def test_a_picture_is_in_the_page_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(width=6, height=3))
    shown = one(read(document(figure("lr-axis", file, table()))), ".//figure")
    image = one(shown, "img")
    assert b64decode(image.get("src", "").removeprefix("data:image/png;base64,")) == png(width=6, height=3)
    assert (image.get("width"), image.get("height")) == ("6", "3")
    assert image.get("alt") == "lr-axis: it rises\nto 3."
    assert text_in(one(shown, "figcaption/p")) == "What lr-axis is"
    assert len(shown.findall("figcaption/details/div/table/tbody/tr")) == 2


@pytest.mark.parametrize("kind", ["absent", "folder", "pipe", "text", "cut", "impossible", "none"])
def test_without_its_picture_a_figure_says_what_it_shows(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "text":
            file.write_text("<svg onload=alert(1)>")
        case "cut":
            file.write_bytes(png()[:20])
        case "impossible":
            file = Path("a\0\ud800.png")
        case _:
            pass
    shown = one(read(document(figure("lr-axis", None if kind == "none" else file, table()))), ".//figure")
    assert shown.find("img") is None
    assert "lr-axis: it rises" in text_in(shown)
    assert "The picture is not at hand." in text_in(shown)
    assert shown.find("figcaption/details/div/table") is not None
