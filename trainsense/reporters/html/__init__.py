"""HTML: one file that needs nothing beside it."""

from typing import TextIO

from trainsense.reporters.document import Document


def write_html(document: Document, stream: TextIO) -> None:
    """Write the document as one page, pictures included."""
    raise NotImplementedError
