"""What every benchmark hands over: rows of a table, each with its figure, its target and whether that was met."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

HEADER: Final = "| what | figure | target | met |\n| --- | --- | --- | --- |"
CPU_INFO: Final = Path("/proc/cpuinfo")

Rows = Callable[[], Iterator["Row"]]
"""The interface of a benchmark: the function `rows` of its module, which yields a row as soon as it is measured."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Args:
        what: what was measured, with its unit where the figure has none.
        figure: in words, or why there is none.
        target: in words, empty for none.
        met: whether the figure is within it, None where nothing was measured or nothing is asked for.
    """

    what: str
    figure: str
    target: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        """Return it as a line of markdown."""
        answer = {True: "yes", False: "**no**", None: ""}[self.met]
        return f"| {self.what} | {self.figure} | {self.target} | {answer} |"


def unmeasured(what: str, reason: str, target: str = "") -> Row:
    """Return the row of what cannot be measured here.

    >>> print(unmeasured("64 trials at once on a GPU", "no GPU", "at least 15x"))
    | 64 trials at once on a GPU | unmeasured: no GPU | at least 15x |  |
    """
    return Row(what=what, figure=f"unmeasured: {reason}", target=target)


def printed(rows: Iterable[Row]) -> int:
    """Print the table, row by row as they come; return the exit code: 1 where a target was missed."""
    print(f"{machine()}\n\n{HEADER}", flush=True)
    missed = False
    for row in rows:
        print(row, flush=True)
        missed |= row.met is False
    return int(missed)


def machine() -> str:
    """Return on what, with which torch and when."""
    date = datetime.now(tz=UTC).date().isoformat()
    return f"Measured {date}: {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}."


def _processor() -> str:
    lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
