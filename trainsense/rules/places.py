"""Which places a finding names."""

from trainsense.records.location import Location


def places(*found: Location | None) -> tuple[Location, ...]:
    """Return the places of which anything is known, each once."""
    known = [one for one in found if one is not None and (one.module or one.file)]
    return tuple(dict.fromkeys(known))


def called(location: Location) -> str:
    """Return where a line is, as part of a sentence: ` (train.py:12)`; empty if unknown.

    >>> called(Location(file="/home/me/train.py", line=12)), called(Location())
    (' (train.py:12)', '')
    """
    if not location.file or location.line is None:
        return ""
    return f" ({location.file.replace(chr(92), '/').rpartition('/')[2]}:{location.line})"
