"""Where a finding's modules are made: file and line."""

from collections.abc import Mapping
from dataclasses import replace

from trainsense.probes.structure import shown
from trainsense.records.finding import Finding
from trainsense.records.location import Location


def located(finding: Finding, lines: Mapping[str, tuple[str, int]]) -> Finding:
    """Return a finding with file and line where its locations lack them; files below the current directory relative to it.

    Args:
        finding: a finding.
        lines: file and line that construct each module, by the module's path; that of the longest known prefix counts.
    """
    return replace(finding, locations=tuple(_located(one, lines) for one in finding.locations))


def _located(location: Location, lines: Mapping[str, tuple[str, int]]) -> Location:
    if location.file:
        return replace(location, file=shown(location.file))
    path = location.module
    while path and path not in lines:
        path = path.rpartition(".")[0]
    if not location.module or path not in lines:
        return location
    file, line = lines[path]
    return replace(location, file=shown(file), line=line)
