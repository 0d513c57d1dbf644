"""At most two megabytes, whatever a document holds; what is left out is said."""

from pathlib import Path

import pytest

from tests.reporters.html.documents import document, figure, png, table
from tests.reporters.html.reading import one, parsed, text_in, with_class, written
from trainsense.reporters.document import Block, Card, Code, Document, Facts, Folded, Heading, Items, Paragraph, Table

MOST = 2_000_000


def _fitting(given: Document) -> str:
    page = written(given)
    assert len(page.encode()) <= MOST
    return page


def test_the_last_pictures_are_left_out_first(tmp_path: Path) -> None:
    files = [tmp_path / f"{at}.png" for at in range(8)]
    for file in files:
        file.write_bytes(png(extra=250_000))
    figures = [figure(f"f{at}", file, table()) for at, file in enumerate(files)]
    folded = Folded(
        summary="More", blocks=(figures[6], Card(tone="note", label="n", name="n", title="t", blocks=(figures[7],)))
    )
    root = parsed(_fitting(document(*figures[:6], folded)))
    written_figures = list(root.iter("figure"))
    pictured = [shown.find("img") is not None for shown in written_figures]
    assert pictured == [True] * 5 + [False] * 3
    for name, shown in zip(("f5", "f6", "f7"), written_figures[5:], strict=True):
        said = text_in(shown)
        assert f"{name}: it rises" in said
        assert "left out: this page holds at most 2 MB" in said
        assert one(shown, "figcaption/details/div/table") is not None


def test_a_picture_that_is_too_large_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    large, small = tmp_path / "large.png", tmp_path / "small.png"
    large.write_bytes(png(extra=MOST))
    small.write_bytes(png())
    root = parsed(_fitting(document(figure("large", large), figure("small", small))))
    assert [shown.find("img") is not None for shown in root.iter("figure")] == [False, True]


def test_a_huge_table_is_shortened_and_says_by_how_much() -> None:
    root = parsed(_fitting(document(table(rows=3000))))
    assert len(root.findall(".//tbody/tr")) == 1000
    assert text_in(with_class(root, "left-out")[0]).startswith("2,000 of 3,000 rows are left out here.")


def test_a_table_is_kept_whole_where_there_is_room() -> None:
    root = parsed(written(document(table(rows=1000))))
    assert len(root.findall(".//tbody/tr")) == 1000
    assert not with_class(root, "left-out")


LONG = '"' * 400_000


@pytest.mark.parametrize(
    "blocks",
    [
        (Paragraph(text=LONG),),
        (Code(text="&" * 3_000_000),),
        tuple(table(rows=400) for _ in range(40)),
        (Items(items=("日" * 1000,) * 900),),
        (Facts(rows=((LONG, LONG),) * 100),),
        (Table(columns=("👩" * 50,) * 1500, rows=(("👩" * 50,) * 1500,) * 3, numeric=(False,) * 1500),) * 2,
        tuple(Card(tone="error", label=LONG, name=LONG, title=LONG, blocks=(Paragraph(text=LONG),)) for _ in range(30)),
        (Folded(summary="s", blocks=(Paragraph(text="x" * 900),) * 4000),),
        (Heading(text="a"),) * 9000,
        (Paragraph(text="x"),) * 20_000,
    ],
    ids=["text", "code", "tables", "items", "facts", "columns", "cards", "folded", "headings", "blocks"],
)
def test_fits_whatever_is_long(blocks: tuple[Block, ...]) -> None:
    page = _fitting(document(Heading(text="Recommendation"), *blocks, summary="Train at lr 0.1." + LONG))
    before, after = page.split("<main>")
    assert "Train at lr 0.1." in before
    assert "Recommendation</h2>" in after
    assert "left out" in after or "more characters" in after
    assert after.rstrip().endswith("</main>\n</body>\n</html>")
