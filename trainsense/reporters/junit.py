"""JUnit XML."""

from typing import TextIO

from trainsense.reporters.suite import Suite


def write_junit(suite: Suite, stream: TextIO) -> None:
    """Write the suite."""
    raise NotImplementedError
