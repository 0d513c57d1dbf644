"""Markdown: GitHub's flavour, for a comment on a pull request or a file with its pictures beside it."""

from pathlib import Path
from typing import TextIO

from trainsense.reporters.document import Document
from trainsense.reporters.markdown.blocks import block_markdown, head_markdown
from trainsense.reporters.markdown.pictures import copied_pictures

__all__ = ["write_markdown"]


def write_markdown(document: Document, stream: TextIO, target: Path | None) -> None:
    """Write the document.

    Args:
        document: any document.
        stream: where to.
        target: the file that the stream writes, DIR/report.md: its pictures are copied into DIR/report-plots and linked
            from there. None for standard output: then there are no pictures, only their numbers.

    Raises:
        OSError: the pictures or the text cannot be written.
    """
    links = None if target is None or _is_device(target) else copied_pictures(document.blocks, target)
    parts = [head_markdown(document), *(block_markdown(block, links) for block in document.blocks)]
    stream.write("\n\n".join(part for part in parts if part) + "\n")


def _is_device(target: Path) -> bool:
    """Whether the target is something beside which no folder belongs: /dev/stdout, a pipe."""
    return target.absolute().parts[1:2] in {("dev",), ("proc",)} or (target.exists() and not target.is_file())
