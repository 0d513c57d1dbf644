"""From what the user named to a checked workload: the only place that executes their file."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from trainsense.errors import WorkloadError
from trainsense.workload.bound import workload_bound
from trainsense.workload.contract import Workload
from trainsense.workload.fingerprint import fingerprint
from trainsense.workload.module import import_by_name, import_file
from trainsense.workload.origin import origin_of
from trainsense.workload.target import parse_target

FROM_SESSION = "a running Python session"


@dataclass(frozen=True, kw_only=True)
class LoadedWorkload:
    """A workload and where it came from.

    Args:
        workload: the workload, its fields checked.
        name: shown in reports: the workload's own, or the stem of its file.
        source: the file or module as the user named it, or a note that it came from a running session.
        path: the file, absolute; None for a workload made in a session.
        fingerprint: content hash of the source (see `fingerprint`); empty where the source does not tell all.
        target: its address, by which another process can load it again; empty for a workload made in a session.
    """

    workload: Workload
    name: str
    source: str
    path: Path | None
    fingerprint: str
    target: str = ""


def load(target: str) -> LoadedWorkload:
    """Return the workload that `target` names.

    Args:
        target: `path/to/file.py`, `path/to/file.py:name`, `package.module` or `package.module:name`; the name
            (`workload` if left out) is bound to a `Workload` or a function without arguments that returns one.

    Raises:
        WorkloadError: nothing usable at that address; the message names what was found and what would do.
        UserCodeError: the user's file raised; carries their traceback.
    """
    address = parse_target(target)
    if address.path is not None:
        module = import_file(address.path, address.source)
        path, module_name, stem = address.path, address.path.stem, address.path.stem
    else:
        module = import_by_name(address.source)
        path, module_name, stem = _file_of(module), module.__name__, address.source.rpartition(".")[2]
    workload = workload_bound(module, address)
    return LoadedWorkload(
        workload=workload,
        name=workload.name or stem,
        source=address.source,
        path=path,
        fingerprint=fingerprint(path, module=module_name, context=[address.attribute]),
        target=target,
    )


def from_object(workload: Workload) -> LoadedWorkload:
    """Return a workload made in Python as if it had been loaded.

    If all its functions are written in one file on disk and that source tells all about them (no closures, no
    `functools.partial`, no methods), the file is fingerprinted together with the plain fields. Else, in a notebook for
    instance, `path` is None and the fingerprint is empty: its trials cannot be told apart later and are not kept.
    """
    origin = origin_of(workload)
    if origin is None:
        return LoadedWorkload(
            workload=workload, name=workload.name or "workload", source=FROM_SESSION, path=None, fingerprint=""
        )
    path = origin.path
    return LoadedWorkload(
        workload=workload,
        name=workload.name or path.stem,
        source=_as_seen_from_here(path),
        path=path,
        fingerprint=fingerprint(path, module=origin.module, context=origin.context),
    )


def _as_seen_from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _file_of(module: ModuleType) -> Path:
    file = getattr(module, "__file__", None)
    if file is None or Path(file).suffix != ".py":
        name = module.__name__
        msg = f"{name} is a package or extension without a Python file. Name the module in it: {name}.train."
        raise WorkloadError(msg)
    return Path(file).resolve()
