"""The content hash of a workload: its file and the local modules it imports. Kept trials are keyed by it."""

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

INSTALLED_FOLDERS = frozenset({"site-packages", "dist-packages"})
STANDARD_LIBRARY = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
OWN_PACKAGE = Path(__file__).resolve().parents[1]


def fingerprint(path: Path, *, module: str, context: Sequence[str] = ()) -> str:
    """Return 64 hex digits that change when the file, a local module that it imports, or `context` does.

    Local is what is neither installed nor part of the standard library; a workload in an installed package also takes
    that package's own modules along. Imports are read from the source, those inside functions included; nothing is
    executed. Neither absolute paths nor the order of imports enter.

    Args:
        path: the workload's file, absolute.
        module: its dotted module name, which relative imports start from; the stem for a lone file.
        context: what else tells this workload from another in the same file (the attribute's name).
    """
    levels = module.count(".") + (path.name == "__init__.py")
    package = path.parents[levels - 1] if levels else None
    contents: dict[str, str] = {}
    waiting = [("", path, module)]
    while waiting:
        label, file, name = waiting.pop()
        if label in contents:
            continue
        source = file.read_bytes()
        contents[label] = hashlib.sha256(source.replace(b"\r\n", b"\n")).hexdigest()
        for imported in _imported_names(source, name, is_package=file.name == "__init__.py"):
            found = _file_of(imported, path.parent)
            if found is not None and found != path and _is_local(found, package):
                waiting.append((imported, found, imported))
    lines = [*sorted(f"{label} {digest}" for label, digest in contents.items()), *context]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def is_installed(file: Path) -> bool:
    """Whether the file belongs to an installed package, the standard library or trainsense."""
    if INSTALLED_FOLDERS.intersection(file.parts):
        return True
    return any(file.is_relative_to(folder) for folder in (*STANDARD_LIBRARY, OWN_PACKAGE))


def _is_local(file: Path, package: Path | None) -> bool:
    return not is_installed(file) or (package is not None and file.is_relative_to(package))


def _imported_names(source: bytes, module: str, *, is_package: bool) -> Iterator[str]:
    """Yield the dotted names that the source imports, each after its parent packages."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return  # an optional module that cannot be imported either: its content is hashed all the same
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package=is_package)
            if base:
                yield from _with_parents(base)
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    parents = module.split(".")
    kept = len(parents) - node.level + is_package
    return ".".join([*parents[: max(0, kept)], *([node.module] if node.module else [])])


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _file_of(name: str, folder: Path) -> Path | None:
    """Return the file of a module, loaded or found on `sys.path`, without importing anything."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is not None:
        return Path(loaded).resolve()
    parent, _, _ = name.rpartition(".")
    search = _folders_of(parent, folder) if parent else [str(folder), *sys.path]
    spec = PathFinder.find_spec(name, search) if search else None
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin).resolve()


def _folders_of(package: str, folder: Path) -> list[str]:
    loaded = getattr(sys.modules.get(package), "__path__", None)
    if loaded is not None:
        return list(loaded)
    parent, _, _ = package.rpartition(".")
    search = _folders_of(parent, folder) if parent else [str(folder), *sys.path]
    spec = PathFinder.find_spec(package, search) if search else None
    return list(spec.submodule_search_locations or ()) if spec is not None else []
