"""Any document: every kind of block, with any strings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from hypothesis import strategies as st

from tests.reporters.markdown.parsed import strings
from trainsense.reporters.document import (
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


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Return any table of one to three columns."""
    width = draw(st.integers(1, 3))
    row = st.tuples(*[strings] * width)
    rows = draw(st.lists(row, max_size=2))
    numeric = draw(st.tuples(*[st.booleans()] * width))
    return Table(columns=draw(row), rows=tuple(rows), numeric=numeric, caption=draw(strings))


figures = st.builds(
    Figure,
    name=strings,
    alternative=strings,
    caption=strings,
    file=st.none() | st.just(Path("no such picture.png")),
    numbers=st.none() | tables(),
)
leaves: st.SearchStrategy[Block] = st.one_of(
    st.builds(Heading, text=strings, level=st.integers(2, 3)),
    st.builds(Paragraph, text=strings, quiet=st.booleans()),
    st.builds(Items, items=st.lists(strings, max_size=2).map(tuple)),
    st.builds(Facts, rows=st.lists(st.tuples(strings, strings), max_size=2).map(tuple)),
    tables(),
    st.builds(Code, text=strings, language=st.sampled_from(("python", "")), title=strings),
    figures,
)
tones = st.sampled_from(get_args(Tone))
blocks: st.SearchStrategy[Block] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Folded, summary=strings, blocks=st.lists(inner, max_size=2).map(tuple)),
        st.builds(
            Card, tone=tones, label=strings, name=strings, title=strings, blocks=st.lists(inner, max_size=2).map(tuple)
        ),
    ),
    max_leaves=4,
)
documents = st.builds(
    Document,
    title=strings,
    tone=tones,
    verdict=strings,
    subtitle=strings,
    summary=strings,
    blocks=st.lists(blocks, max_size=4).map(tuple),
)


def all_blocks(some: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks and those within them."""
    for block in some:
        yield block
        match block:
            case Card() | Folded():
                yield from all_blocks(block.blocks)
            case Figure(numbers=Table() as numbers):
                yield numbers
            case _:
                pass


def texts_of(document: Document) -> Iterator[str]:
    """Yield every string that a reader has to find, but for those of tables and pictures."""
    yield from (document.title, document.verdict, document.subtitle, document.summary)
    for block in all_blocks(document.blocks):
        match block:
            case Heading() | Paragraph():
                yield block.text
            case Items():
                yield from block.items
            case Facts():
                yield from (text for row in block.rows for text in row)
            case Code():
                yield from (block.title, block.text)
            case Figure():
                yield from (block.caption, block.alternative)
            case Folded():
                yield block.summary
            case Card():
                yield from (block.label, block.name, block.title)
            case Table():
                yield block.caption
