"""`Store`: an embedded SQLite database under the run directory."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from trainsense.errors import StoreError
from trainsense.records.run import Run
from trainsense.store.codec import decode, encode

FILE_NAME: Final = "trials.sqlite"
VERSION: Final = 2
"""Of what is kept. Raise it when an older trainsense cannot read it any more; what is unknown here is refused and left as it is."""
READABLE: Final = (0, 1, VERSION)
"""Versions whose runs are read and carried on with: a new file, the one that kept traces as plain rows, and this one."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, figures TEXT NOT NULL, trace BLOB NOT NULL, executions INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS plans (key TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class Store:
    """Runs and plans by content key; every write is on disk when it returns, whatever kills the process next.

    Args:
        directory: the run directory; made if it is not there.

    Raises:
        StoreError: the directory or the database in it cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self._path: Final = directory / FILE_NAME
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"The run directory {directory} cannot be made: {error.strerror}. Choose another with --run-dir."
            raise StoreError(msg) from error
        with self._usable():
            self._connection = sqlite3.connect(self._path, timeout=30.0, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            found = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in READABLE:
                msg = f"{self._path} was written by another version of trainsense (format {found}). Choose another --run-dir."
                raise StoreError(msg)
            self._connection.executescript(_TABLES)
            self._connection.execute(f"PRAGMA user_version={VERSION}")

    def run(self, key: str) -> Run | None:
        """Return the kept run of `key`, None if there is none."""
        with self._usable():
            row = self._connection.execute("SELECT figures, trace FROM runs WHERE key = ?", (key,)).fetchone()
            return None if row is None else decode(*row)

    def keep(self, key: str, run: Run) -> None:
        """Keep a run; one kept under the same key before is replaced and counted."""
        with self._usable():
            self._connection.execute(
                "INSERT INTO runs (key, figures, trace) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "figures = excluded.figures, trace = excluded.trace, executions = executions + 1",
                (key, *encode(run)),
            )

    def executions(self) -> dict[str, int]:
        """Return how often each kept key was run."""
        with self._usable():
            return dict(self._connection.execute("SELECT key, executions FROM runs").fetchall())

    def plan(self, key: str, make: Callable[[], dict[str, Any]], *, anew: bool) -> dict[str, Any]:
        """Return the plan kept under `key`; make it and keep it if there is none, or if `anew`."""
        with self._usable():
            row = self._connection.execute("SELECT document FROM plans WHERE key = ?", (key,)).fetchone()
        if row is not None and not anew:
            return dict(json.loads(row[0]))
        document = make()
        with self._usable():
            self._connection.execute("INSERT OR REPLACE INTO plans VALUES (?, ?)", (key, json.dumps(document)))
        return document

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            msg = (
                f"The store {self._path} cannot be used: {error}. If it is damaged, move it away or choose another "
                "--run-dir; if its folder is read-only, choose one that can be written."
            )
            raise StoreError(msg) from error
