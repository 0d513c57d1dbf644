"""What a writer of a format is given and does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from trainsense.records.report import Report, Threshold
from trainsense.records.rule_page import RulePage


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """What a writer is told besides the report.

    Args:
        fail_on: severity from which a finding fails the pipeline.
        pages: what each rule says of itself, by its name; a report of another version may name rules that are not here.
        directory: what the report's `plots` are relative to, None where no plots are at hand.
        target: the file that is written, None for standard output.
    """

    fail_on: Threshold = "error"
    pages: Mapping[str, RulePage] = field(default_factory=dict)
    directory: Path | None = None
    target: Path | None = None


Write = Callable[[Report, TextIO, Rendering], None]
"""Writes one valid document to the stream; computes nothing."""
