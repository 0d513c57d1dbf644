"""What travels to a cluster: the workload's folder and trainsense itself, as Ray's runtime environment."""

import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import trainsense
from trainsense.errors import OptionError
from trainsense.executors.worker import Assignment
from trainsense.workload.target import Target, parse_target

LEFT_BEHIND: Final = (".?*", "__pycache__", "*.pyc", "venv", "node_modules")
"""Hidden files and folders (`.git`, `.trainsense`, `.venv`, `.env`, `.ssh`, caches) and what every machine makes anew."""
IGNORE_FILES: Final = (".rayignore", ".gitignore")
"""Ray leaves behind what these name."""
MOST_BYTES: Final = 512 * 2**20
"""Ray takes no larger package."""
TOO_LARGE: Final = "exceeds the maximum size"
"""What Ray says of a larger one."""
LARGEST_SHOWN: Final = 3
JOB: Final = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by `ray job submit` in what it starts."""


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What a cluster is given.

    Args:
        runtime_env: as `ray.init` takes it.
        assignment: the workload's address as the workers see it.
    """

    assignment: Assignment
    runtime_env: dict[str, Any] = field(default_factory=dict)


def shipment_of(assignment: Assignment, run_dir: Path | None) -> Shipment:
    """Return what goes to a cluster for this assignment.

    The folder of the workload's file is shipped, or the one from which its module is imported, unless that is installed:
    then the nodes must have it too. trainsense goes along, so that all run the same version of it.

    Args:
        assignment: as on this machine.
        run_dir: where trials are kept, which stays here.

    Raises:
        OptionError: the folder is too large or holds the user's home.
    """
    submitted = json.loads(os.environ.get(JOB) or "{}").get("runtime_env") or {}
    environment: dict[str, Any] = {} if "py_modules" in submitted else {"py_modules": [_package()]}
    target = parse_target(assignment.target)
    folder = _folder(target)
    here = Path.cwd()
    if "working_dir" in submitted and target.path is not None and target.path.is_relative_to(here):
        address = f"./{target.path.relative_to(here).as_posix()}:{target.attribute}"
    elif target.path is not None:
        address = f"./{target.path.name}:{target.attribute}"
    else:
        address = assignment.target
    if folder is not None and "working_dir" not in submitted:
        left = [*LEFT_BEHIND, *_inside(folder, run_dir)]
        _check(folder, left)
        environment |= {"working_dir": str(folder), "excludes": left}
    return Shipment(assignment=replace(assignment, target=address, folder="."), runtime_env=environment)


def too_large(folder: Path, left_behind: list[str], size: str) -> OptionError:
    """Return the error that tells which files make a folder too large."""
    files = sorted(((path.stat().st_size, path) for path in _files(folder, left_behind)), reverse=True)[:LARGEST_SHOWN]
    largest = ", ".join(f"{path.relative_to(folder)} ({_mebibytes(count)})" for count, path in files)
    return OptionError(
        f"--engine ray ships the workload's folder {folder} to the cluster, and it is too large: {size}, of at most"
        f" {_mebibytes(MOST_BYTES)}. Largest: {largest}. Name what training does not need in {folder / '.rayignore'}, and"
        " put data where every node can read it."
    )


def _check(folder: Path, left_behind: list[str]) -> None:
    if Path.home().resolve().is_relative_to(folder):
        msg = f"--engine ray ships the workload's folder to the cluster, and {folder} holds your home directory: move the workload into a folder of its own."
        raise OptionError(msg)
    if any((folder / name).exists() for name in IGNORE_FILES):
        return  # only Ray knows what these leave
    total = sum(path.stat().st_size for path in _files(folder, left_behind))
    if total >= MOST_BYTES:
        raise too_large(folder, left_behind, _mebibytes(total))


def _files(folder: Path, left_behind: list[str]) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _stays(Path(at, name), folder, left_behind)]
        files = (Path(at, name) for name in names)
        yield from (path for path in files if path.is_file() and not _stays(path, folder, left_behind))


def _stays(path: Path, folder: Path, left_behind: list[str]) -> bool:
    inside = f"/{path.relative_to(folder).as_posix()}"
    return any(fnmatch(path.name, name) or inside == name for name in left_behind)


def _folder(target: Target) -> Path | None:
    """Return the folder that holds the workload, None where it is installed."""
    if target.path is not None:
        return target.path.parent
    module = sys.modules.get(target.source.partition(".")[0])
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    place = next((Path(one).resolve() for one in places if one), None)
    if place is None:
        return None
    root = place.parent if place.name != "__init__.py" else place.parent.parent
    return None if _is_installed(root) else root


def _is_installed(folder: Path) -> bool:
    paths = sysconfig.get_paths()
    return any(folder.is_relative_to(Path(paths[name]).resolve()) for name in ("purelib", "platlib", "stdlib"))


def _inside(folder: Path, run_dir: Path | None) -> list[str]:
    """Return the run directory as a pattern, if it lies in the folder."""
    place = None if run_dir is None else run_dir.resolve()
    inside = place is not None and place != folder and place.is_relative_to(folder)
    return [f"/{place.relative_to(folder).as_posix()}"] if inside and place is not None else []


def _package() -> str:
    return str(Path(trainsense.__file__).parent)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
