"""`Target`: what `path/to/file.py:name` or `package.module:name` names."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from trainsense.errors import WorkloadError

DEFAULT_ATTRIBUTE = "workload"
EXAMPLES = "Name a file (train.py), a name in it (train.py:small) or a module (package.train:small)."
DOTTED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A workload's address.

    Args:
        source: file or module as the user named it.
        path: the file, absolute, or None for a module.
        attribute: the name bound in it.
    """

    source: str
    path: Path | None
    attribute: str


def parse_target(text: str) -> Target:
    """Return the address that `text` names; whether a file exists is checked, a module is not looked for.

    Raises:
        WorkloadError: empty, no such file, a folder, not a Python file, or not a name after the colon.
    """
    source, attribute = _split(text.strip())
    if _is_module(source):
        return Target(source=source, path=None, attribute=attribute)
    path = Path(source).expanduser()
    _check_file(source, path)
    return Target(source=source, path=path.resolve(), attribute=attribute)


def _split(text: str) -> tuple[str, str]:
    source, colon, attribute = text.rpartition(":")
    names_a_path = not colon or "/" in attribute or "\\" in attribute or Path(text).expanduser().exists()
    if names_a_path:
        source, attribute = text, DEFAULT_ATTRIBUTE
    if not source:
        msg = f"No workload was named in {text!r}. {EXAMPLES}"
        raise WorkloadError(msg)
    if not attribute.isidentifier():
        msg = f"{attribute!r} after the colon in {text!r} is no Python name. {EXAMPLES}"
        raise WorkloadError(msg)
    return source, attribute


def _is_module(source: str) -> bool:
    return (
        DOTTED_NAME.fullmatch(source) is not None
        and Path(source).suffix not in {".py", ".ipynb"}
        and not Path(source).exists()
    )


def _check_file(source: str, path: Path) -> None:
    if path.is_dir():
        files = ", ".join(sorted(file.name for file in path.glob("*.py"))[:5])
        found = f" It holds {files}." if files else " It holds no .py file."
        msg = f"{source} is a folder, not a workload file.{found} {EXAMPLES}"
        raise WorkloadError(msg)
    if not path.exists():
        msg = f"There is no file {source}.{_close_names(path)} {EXAMPLES}"
        raise WorkloadError(msg)
    if path.suffix != ".py":
        hint = " Export the notebook to a .py file first." if path.suffix == ".ipynb" else ""
        msg = f"{source} is not a Python file: a workload lives in a .py file.{hint} {EXAMPLES}"
        raise WorkloadError(msg)


def _close_names(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" The folder {folder} does not exist either."
    names = [file.name for file in folder.iterdir() if file.suffix == ".py"]
    close = get_close_matches(path.name, names, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(str(folder / name) for name in close)}?" if close else ""
