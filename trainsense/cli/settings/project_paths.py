"""Paths that are relative to a project's folder, as seen from the current directory."""

from pathlib import Path
from typing import Any

from trainsense.cli.request import DEFAULT_RUNS


def seen_from_here(field: str, value: Any, folder: Path) -> Any:
    """Return the value of a setting of pyproject.toml with its paths as seen from the current directory.

    Args:
        field: the option's field.
        value: its value.
        folder: the project's, itself seen from the current directory.
    """
    if value is None:
        return None
    if field == "run_dir":
        return _moved(value, folder)
    if field == "baseline":
        name = Path(value).expanduser()
        kept = DEFAULT_RUNS / name  # a workload's name stands for the run that is kept of it
        named_run = not name.is_absolute() and not (folder / name).exists() and (folder / kept).exists()
        return str(_moved(kept if named_run else Path(value), folder))
    if field == "output":
        pairs = (item.partition("=") for item in value)
        return [f"{name}={_moved(Path(path), folder)}" for name, _, path in pairs]
    return value


def _moved(path: Path, folder: Path) -> Path:
    whole = path.expanduser()
    return whole if whole.is_absolute() else folder / whole
