"""A report as people read it: headings, tables, figures. Markdown and HTML are written from it."""

from trainsense.reporters.document.blocks import (
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

__all__ = [
    "Block",
    "Card",
    "Code",
    "Document",
    "Facts",
    "Figure",
    "Folded",
    "Heading",
    "Items",
    "Paragraph",
    "Table",
    "Tone",
]
