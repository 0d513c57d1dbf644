"""Importing the one module that holds a workload, with its neighbours in reach."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Final

from trainsense.errors import WorkloadError
from trainsense.workload.user_traceback import user_code

WORKLOAD_MARK = "__trainsense_workload__"
"""Set on modules that were executed from a workload file: such a name is free to be taken again."""
EXTRAS: Final[Mapping[str, str]] = MappingProxyType(
    {"lightning": "lightning", "sklearn": "recipes", "transformers": "transformers"}
)
"""The extra that brings a package."""


def import_file(path: Path, source: str) -> ModuleType:
    """Execute the file and return it as a module, registered in `sys.modules` under its stem so that it can be pickled.

    Its folder goes first on `sys.path`; last, and the module under a longer name, if the stem is that of another
    module that can be imported (`random.py`, `torch.py`), which would else be hidden from everyone.

    Raises:
        UserCodeError: the file cannot be compiled or raised.
        WorkloadError: the file cannot be read, or imports a package that an extra would bring.
    """
    folder = str(path.parent)
    stem = path.stem.replace(".", "_")
    taken = _is_taken(stem, folder)
    name = f"trainsense_workload_{stem}" if taken else stem
    if taken:
        # Not first even where `python -m trainsense` has put it there: the file would import itself.
        sys.path[:] = [*_without(folder), folder]
    elif sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    text = _content(path, source)
    module = importlib.util.module_from_spec(spec or ModuleSpec(name, loader, origin=str(path)))
    setattr(module, WORKLOAD_MARK, True)
    before = sys.modules.get(name)
    arguments = sys.argv
    sys.modules[name] = module
    sys.argv = [str(path)]  # a parser at module level reads its defaults, not trainsense's arguments
    importlib.invalidate_caches()
    done = False
    try:
        with _importing(source):
            # Compiled here and not through the cached bytecode, which misses an edit within the same second.
            exec(loader.source_to_code(text, str(path)), module.__dict__)  # noqa: S102
        done = True
    finally:
        sys.argv = arguments
        if not done:
            _restore(name, before)
    return module


def import_by_name(name: str) -> ModuleType:
    """Import `package.module`, looking in the current folder first.

    Raises:
        UserCodeError: the module, or something that it imports, raised.
        WorkloadError: there is no such module.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    with _importing(name):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing != name and not name.startswith(f"{missing}."):
                raise
            names = [file.stem for file in Path(here).glob("*.py")]
            close = get_close_matches(name, names, n=1, cutoff=0.5)
            guess = f" Did you mean {close[0]}.py?" if close else ""
            found = f"There is no module {missing!r} and no file {name!r}, seen from {here}.{guess}"
            msg = f"{found} A file is named with its ending: train.py."
            raise WorkloadError(msg) from None


@contextmanager
def _importing(source: str) -> Iterator[None]:
    """Run the import inside; a package that an extra would bring is one error with the line to install it."""
    with user_code(f"Importing {source}"):
        try:
            yield
        except ModuleNotFoundError as error:
            package = error.name or ""
            if package not in EXTRAS:
                raise
            install = f"pip install 'trainsense-diagnostics[{EXTRAS[package]}]'"
            msg = f"{source} imports {package}, which is not installed: {install}"
            raise WorkloadError(msg) from error


def _content(path: Path, source: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{source} cannot be read: {error.strerror}."
        raise WorkloadError(msg) from None


def _is_taken(stem: str, folder: str) -> bool:
    if hasattr(sys.modules.get(stem), WORKLOAD_MARK):
        return False
    return (
        stem in sys.stdlib_module_names
        or stem in sys.builtin_module_names
        or PathFinder.find_spec(stem, _without(folder)) is not None
        or stem in sys.modules
    )


def _without(folder: str) -> list[str]:
    """Return `sys.path` without the folder."""
    return [entry for entry in sys.path if Path(entry or ".").resolve() != Path(folder)]


def _restore(name: str, before: ModuleType | None) -> None:
    del sys.modules[name]
    if before is not None:
        sys.modules[name] = before
