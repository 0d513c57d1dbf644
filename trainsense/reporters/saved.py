"""A saved report, from its file."""

import json
from pathlib import Path
from typing import Final

from trainsense.errors import CannotRunError
from trainsense.records.report import Report
from trainsense.reporters.json import read_report

REPORT: Final = "report.json"
"""Its name in a run directory."""
MOST_BYTES: Final = 200_000_000


def saved_report(path: Path) -> Report:
    """Return the report in a file.

    Raises:
        CannotRunError: there is none, or it cannot be read.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            msg = f"{path} is no saved report: it has over {MOST_BYTES:,} bytes."
            raise CannotRunError(msg)
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"The report {path} cannot be read: {error.strerror or error}."
        raise CannotRunError(msg) from None
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no saved report: it is not JSON ({error}). Name a run directory or a report.json."
        raise CannotRunError(msg) from None
    if not isinstance(document, dict):
        msg = f"{path} is no saved report: it holds a {type(document).__name__}, not an object."
        raise CannotRunError(msg)
    return read_report(document)
