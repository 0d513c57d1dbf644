"""Documents for the tests of the page: one with every kind of block, and arbitrary ones."""

import struct
import zlib
from pathlib import Path

from hypothesis import strategies as st

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

TONES: tuple[Tone, ...] = (
    "healthy",
    "unhealthy",
    "inconclusive",
    "error",
    "warning",
    "note",
    "verified",
    "rejected",
    "untested",
    "neutral",
)
ATTACKS = (
    "</title></style><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "<!-- ]]> --> <![CDATA[",
    "&lt;b&gt; &#60;script&#62; &amp",
    "\x00\x1b[31m\x0b\x0c\x7f\x85\ud800 \udfff\ufdd0\uffff\U0010ffff",
    "\u202eevil\u2066 résumé 日本語 👩‍🚀",
    "\n\n\ttab\r\nline\rline\u2028line",
    "url(https://example.org) javascript:alert(1) @import 'x'",
)


def png(width: int = 4, height: int = 2, extra: int = 0) -> bytes:
    """Return a white picture, `extra` bytes larger than it has to be."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\xff" * width) * height)
    parts = (chunk(b"IHDR", header), chunk(b"tEXt", b"x\x00" + b"." * extra), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def table(rows: int = 2) -> Table:
    """Return a table of words and numbers."""
    cells = tuple((f"layer.{at}", f"{at}.5", "<b>") for at in range(rows))
    return Table(columns=("layer", "norm", "kind"), rows=cells, numeric=(False, True, False), caption="Norms & kinds")


def figure(name: str, file: Path | None, numbers: Table | None = None) -> Figure:
    """Return a figure."""
    return Figure(
        name=name, alternative=f"{name}: it rises\nto 3.", caption=f"What {name} is", file=file, numbers=numbers
    )


def document(*blocks: Block, summary: str = "Train at lr 0.1.", title: str = "wide_resnet.py") -> Document:
    """Return a document of these blocks."""
    return Document(
        title=title, tone="unhealthy", verdict="unhealthy", subtitle="cpu · 3 & 4", summary=summary, blocks=blocks
    )


def full(file: Path | None) -> Document:
    """Return a document with every kind of block, one within another, and levels that skip."""
    inner = (Heading(text="Within", level=3), Paragraph(text="Deep"), Folded(summary="Deeper", blocks=(table(),)))
    cards = tuple(
        Card(
            tone=tone,
            label=tone,
            name=f"rule-{tone}",
            title=f"It is {tone}",
            blocks=(Facts(rows=(("lr", "0.1"),)), *inner),
        )
        for tone in TONES
    )
    return document(
        Paragraph(text="Before any heading"),
        Heading(text="Recommendation"),
        Facts(rows=(("why", "On 5 seeds\nit did"), ("price", "no extra steps"))),
        Code(text="\nlr = 0.1\n\tprint('<a> & b')  \n", title="PyTorch"),
        figure("lr-axis", file, table()),
        Heading(text="Findings"),
        *cards,
        Heading(text="Under", level=3),
        cards[0],
        Heading(text="Layers"),
        table(),
        Table(columns=("n",), rows=(("1",),), numeric=(True,)),
        Code(text="0.1 ▁▂▃★×", language=""),
        Items(items=("one", "two")),
        Paragraph(text="Quiet", quiet=True),
        figure("no-file", None, table()),
        Heading(text="Provenance", level=2),
        Facts(rows=(("trainsense", "0.1.0"),)),
    )


texts = st.one_of(st.text(st.characters(exclude_categories=()), max_size=30), st.sampled_from(ATTACKS))
tables = st.integers(min_value=0, max_value=3).flatmap(
    lambda width: st.builds(
        Table,
        columns=st.tuples(*[texts] * width),
        rows=st.lists(st.tuples(*[texts] * width), max_size=3).map(tuple),
        numeric=st.tuples(*[st.booleans()] * width),
        caption=texts,
    )
)
leaves = st.one_of(
    st.builds(Heading, text=texts, level=st.integers(2, 3)),
    st.builds(Paragraph, text=texts, quiet=st.booleans()),
    st.builds(Items, items=st.lists(texts, max_size=3).map(tuple)),
    st.builds(Facts, rows=st.lists(st.tuples(texts, texts), max_size=3).map(tuple)),
    tables,
    st.builds(Code, text=texts, language=st.sampled_from(("python", "")), title=texts),
    st.builds(
        Figure,
        name=texts,
        alternative=texts,
        caption=texts,
        file=st.none() | texts.map(Path),
        numbers=st.none() | tables,
    ),
)
several = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Folded, summary=texts, blocks=st.lists(inner, max_size=3).map(tuple)),
        st.builds(
            Card,
            tone=st.sampled_from(TONES),
            label=texts,
            name=texts,
            title=texts,
            blocks=st.lists(inner, max_size=3).map(tuple),
        ),
    ),
    max_leaves=8,
)
documents = st.builds(
    Document,
    title=texts,
    tone=st.sampled_from(TONES),
    verdict=texts,
    subtitle=texts,
    summary=texts,
    blocks=st.lists(several, max_size=5).map(tuple),
)
