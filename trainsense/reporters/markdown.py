"""Markdown: GitHub's flavour, for a comment on a pull request or a file with its pictures beside it."""

from pathlib import Path
from typing import TextIO

from trainsense.reporters.document import Document


def write_markdown(document: Document, stream: TextIO, target: Path | None) -> None:
    """Write the document; with a target its pictures are copied beside it."""
    raise NotImplementedError
