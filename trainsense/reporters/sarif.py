"""SARIF 2.1.0."""

from typing import TextIO

from trainsense.reporters.suite import Suite


def write_sarif(suite: Suite, stream: TextIO) -> None:
    """Write the suite."""
    raise NotImplementedError
