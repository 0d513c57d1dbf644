"""Paths as a pipeline knows them: relative to the root of the repository that is checked out."""

import os
from pathlib import Path
from typing import Final

ROOTS: Final = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where GitHub and GitLab check the repository out; elsewhere commands run at its root."""


def repository_path(file: str) -> str | None:
    """Return a file's path relative to the repository's root, with forward slashes; None where it lies outside.

    Args:
        file: relative to the current directory, or absolute; it need not exist.

    >>> repository_path("models/../models/net.py"), repository_path("../net.py"), repository_path("")
    ('models/net.py', None, None)
    """
    if not file or "\0" in file:
        return None
    path, root = (os.path.normpath(Path(one).absolute()) for one in (file, _root()))
    return _within(path, root) or _within(os.path.realpath(path), os.path.realpath(root))


def path_from_repository(file: Path) -> str:
    """Return a file's path as seen from the repository's root, absolute where the two have nothing in common."""
    try:
        return Path(os.path.relpath(file, _root())).as_posix()
    except ValueError:  # another drive
        return file.absolute().as_posix()


def _root() -> str:
    return next((os.environ[name] for name in ROOTS if os.environ.get(name)), os.curdir)


def _within(path: str, root: str) -> str | None:
    try:
        inside = Path(path).relative_to(root).as_posix()
    except ValueError:
        return None
    return None if inside == os.curdir else inside
