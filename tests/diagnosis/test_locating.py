"""File and line of what a finding names."""

from pathlib import Path

import pytest

from trainsense.diagnosis.locating import located
from trainsense.records.finding import Finding
from trainsense.records.location import Location


def found(*locations: Location) -> tuple[Location, ...]:
    finding = Finding(rule="dead-relu", severity="note", title="", detail="", locations=locations)
    lines = {"layers.0": ("/elsewhere/net.py", 7), "layers": (str(Path.cwd() / "net.py"), 5)}
    return located(finding, lines).locations


def test_the_longest_known_prefix_counts() -> None:
    """Modules, and parameters in them; files below the current directory are relative to it."""
    first, second = found(Location(module="layers.0.linear.weight"), Location(module="layers.1"))
    assert (first.file, first.line) == ("/elsewhere/net.py", 7)
    assert (second.file, second.line) == ("net.py", 5)


@pytest.mark.parametrize("location", [Location(module="head"), Location(), Location(file="/elsewhere/a.py", line=3)])
def test_what_is_unknown_or_known_already_stays(location: Location) -> None:
    """No guess."""
    assert found(location) == (location,)
