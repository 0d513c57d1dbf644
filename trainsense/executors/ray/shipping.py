"""What travels to a cluster: the workload's folder and trainsense itself, as Ray's runtime environment."""

import json
import os
import sys
import sysconfig
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import trainsense
from trainsense.executors.ray.packing import LEFT_BEHIND, pack
from trainsense.executors.worker import Assignment
from trainsense.workload.target import Target, parse_target

JOB: Final = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by `ray job submit` in what it starts."""


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What a cluster is given.

    Args:
        assignment: the workload's address as the workers see it.
        runtime_env: as `ray.init` takes it.
    """

    assignment: Assignment
    runtime_env: dict[str, Any] = field(default_factory=dict)


def shipment_of(assignment: Assignment, into: Path, run_dir: Path | None) -> Shipment:
    """Return what goes to a cluster for this assignment.

    The folder of the workload's file is shipped, or the one from which its module is imported, unless that is installed:
    then the nodes must have it too. trainsense goes along, so that all run the same version of it. What `ray job submit`
    has brought is not brought again.

    Args:
        assignment: as on this machine.
        into: a folder for what is packed, needed until the cluster is joined.
        run_dir: where trials are kept, which stays here.

    Raises:
        OptionError: the folder is too large, or holds far more than the workload.
    """
    submitted = json.loads(os.environ.get(JOB) or "{}").get("runtime_env") or {}
    environment: dict[str, Any] = {}
    if "py_modules" not in submitted:
        environment = {"py_modules": [str(Path(trainsense.__file__).parent)], "excludes": list(LEFT_BEHIND)}
    target = parse_target(assignment.target)
    folder, here = _folder(target), Path.cwd()
    if "working_dir" in submitted:
        folder = here if folder is not None and folder.is_relative_to(here) else folder
    elif folder is not None:
        environment["working_dir"] = str(pack(folder, into, run_dir))
    address = assignment.target
    if target.path is not None and folder is not None:
        address = f"./{target.path.relative_to(folder).as_posix()}:{target.attribute}"
    return Shipment(assignment=replace(assignment, target=address, folder="."), runtime_env=environment)


def _folder(target: Target) -> Path | None:
    """Return the folder that holds the workload, None where it is installed."""
    if target.path is not None:
        return target.path.parent
    module = sys.modules.get(target.source.partition(".")[0])
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    place = next((Path(one).resolve() for one in places if one), None)
    if place is None:
        return None
    root = place.parent.parent if place.name == "__init__.py" or place.is_dir() else place.parent
    return None if _is_installed(root) else root


def _is_installed(folder: Path) -> bool:
    paths = sysconfig.get_paths()
    return any(folder.is_relative_to(Path(paths[name]).resolve()) for name in ("purelib", "platlib", "stdlib"))
