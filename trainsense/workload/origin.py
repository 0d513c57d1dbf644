"""Which file on disk tells all about a workload that was made in Python."""

import inspect
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from types import FunctionType

from trainsense.workload.contract import Workload
from trainsense.workload.fingerprint import is_installed

PLAIN_TYPES = (str, int, float)
"""Types of global variables whose value tells one workload from another, `WIDTH = 64`."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The file that a workload's functions are written in.

    Args:
        path: the file, absolute.
        module: its dotted module name.
        context: what the source does not tell: which functions, the values of the plain fields and of the plain
            global variables beside the functions, and the arguments of the script where the workload was made in one.
    """

    path: Path
    module: str
    context: tuple[str, ...]


def origin_of(workload: Workload) -> Origin | None:
    """Return the origin of a workload, None where its functions span files or hold values that no source shows."""
    own: list[FunctionType | type] = []
    context = []
    for field in fields(workload):
        value = getattr(workload, field.name)
        if not callable(value):
            context.append(f"{field.name}={value!r}")
            continue
        if not isinstance(value, (FunctionType, type)):
            return None
        line = value.__code__.co_firstlineno if isinstance(value, FunctionType) else 0
        context.append(f"{field.name}={value.__module__}.{value.__qualname__}:{line}")
        file = _file_of(value)
        if file is None or "<locals>" in value.__qualname__ or (isinstance(value, FunctionType) and value.__closure__):
            return None
        if not is_installed(file):
            own.append(value)
    files = {_file_of(value) for value in own}
    if len(files) != 1:
        return None
    path = files.pop()
    if path is None:
        return None
    module = own[0].__module__
    context.extend(_plain_globals(module))
    if module == "__main__":
        context.extend(sys.argv[1:])
        module = path.stem
    return Origin(path=path, module=module, context=tuple(context))


def _plain_globals(module: str) -> list[str]:
    values = vars(sys.modules[module]) if module in sys.modules else {}
    return sorted(
        f"{name}={value!r}"
        for name, value in values.items()
        if isinstance(value, PLAIN_TYPES) and not name.startswith("__")
    )


def _file_of(value: FunctionType | type) -> Path | None:
    try:
        name = inspect.getsourcefile(value)
    except (OSError, TypeError):
        return None
    path = Path(name).resolve() if name else None
    return path if path is not None and path.is_file() else None
