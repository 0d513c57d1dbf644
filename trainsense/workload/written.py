"""Where a workload is written: the call that made it, and the line of each of its keywords."""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import ref

from trainsense.workload.source_lines import is_users

if TYPE_CHECKING:
    from types import FrameType

Span = tuple[int | None, int | None, int | None, int | None]
"""First and last line (1-based), first and last column (0-based, in bytes) of an expression."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """The call that made a workload.

    Attributes:
        file: the user's file as Python names it.
        line: of the call, 1-based.
        fields: line of each keyword of that call, by its name; without those that `**` stands for.
    """

    file: str
    line: int
    fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Call:
    made: ref[object]
    file: str
    line: int
    span: Span


_CALLS: Final[dict[int, _Call]] = {}
"""By the workload's identity: in the workload itself it would be compared, printed and pickled with it."""


def note_call(workload: object) -> None:
    """Remember which line of the user's code is making `workload`; nothing where none is.

    Args:
        workload: what is being made, under whatever calls the user's line made.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - cheap, unlike `inspect.stack`
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return
    key = id(workload)
    _CALLS[key] = _Call(
        made=ref(workload, lambda _: _CALLS.pop(key, None)),
        file=frame.f_code.co_filename,
        line=frame.f_lineno,
        span=next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None,) * 4),
    )


def written(workload: object) -> Written | None:
    """Return where a workload is written; None where that is not known, or in no file (a notebook's cell, a copy).

    Args:
        workload: the workload itself: a copy of it was not made by the user's call.
    """
    call = _CALLS.get(id(workload))
    if call is None or call.made() is not workload or not Path(call.file).is_file():
        return None
    return Written(file=call.file, line=call.line, fields=_keywords(call.file, call.span))


def _keywords(file: str, span: Span) -> Mapping[str, int]:
    """Return the line of each keyword of the call that takes up `span`; of none if the file was changed since."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and span == (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset):
            return {one.arg: one.lineno for one in node.keywords if one.arg is not None}
    return {}
