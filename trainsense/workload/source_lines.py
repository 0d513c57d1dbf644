"""Which line of the user's code constructs each module of their model."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from types import FrameType
from typing import Any

from torch import nn

from trainsense.workload.fingerprint import OWN_PACKAGE, is_installed

Line = tuple[str, int]


def source_lines(build: Callable[[], nn.Module]) -> Mapping[str, Line]:
    """Return file and line of the user's code that construct each module of what `build` returns, by the module's path.

    The innermost line of a file that is neither installed, nor torch's, nor trainsense's, nor in the module's own
    constructor: for a layer within a module of a library's, the line that makes the latter; for a model that is given as
    its class, where its constructor begins. Modules that are copied, not constructed, are missing.

    Args:
        build: returns a fresh model.

    Raises:
        Exception: whatever `build` raises.
    """
    seen: list[tuple[nn.Module, Line]] = []
    with _noting(seen):
        model = build()
    lines = {id(module): line for module, line in seen}
    if id(model) not in lines and (own := _constructor(model)) is not None:
        lines[id(model)] = own
    return {path: lines[id(module)] for path, module in model.named_modules() if id(module) in lines}


@contextmanager
def _noting(seen: list[tuple[nn.Module, Line]]) -> Iterator[None]:
    original: Any = nn.Module.__init__

    @wraps(original)
    def noted(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        line = _constructing(self, sys._getframe(1))  # noqa: SLF001 - cheap, unlike `inspect.stack`
        if line is not None:
            seen.append((self, line))

    nn.Module.__init__ = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def _constructing(module: nn.Module, frame: FrameType | None) -> Line | None:
    while frame is not None:
        code = frame.f_code
        own = bool(code.co_argcount) and frame.f_locals.get(code.co_varnames[0]) is module
        if Path(code.co_filename).is_relative_to(OWN_PACKAGE):
            return None  # what calls trainsense makes no module
        if not own and is_users(code.co_filename):
            return code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def _constructor(module: nn.Module) -> Line | None:
    code = getattr(type(module).__init__, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None and is_users(code.co_filename) else None


@lru_cache(maxsize=1024)
def is_users(file: str) -> bool:
    """Return whether a file, as Python names it, is neither installed, nor Python's, nor trainsense's."""
    return not file.startswith("<") and not is_installed(Path(file))
