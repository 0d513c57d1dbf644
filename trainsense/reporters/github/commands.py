"""GitHub's workflow commands: annotations, capped, the worst first."""

from typing import TextIO

from trainsense.reporters.suite import Suite


def write_github(suite: Suite, stream: TextIO) -> None:
    """Write one workflow command for each finding."""
    raise NotImplementedError
