"""A session with Ray: one that is started here, a cluster that is joined, or what this process has already."""

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from trainsense.errors import CannotRunError
from trainsense.executors.ray.environment import RayEnvironment
from trainsense.executors.ray.joining import check_reachable, explained, standard_error_kept_quiet
from trainsense.executors.ray.needs import Needs

INSTALL: Final = "pip install 'trainsense-diagnostics[ray]'"
LOCAL: Final = "local"
STORE_BYTES: Final = 128 * 2**20
"""Object store of a local Ray: a trial's trace is some 10 kB, and Ray would take 30 % of the memory."""
LONGEST_FOLDER: Final = 30
"""Ray makes sockets some 70 characters below its folder, and a socket's name may have 103."""
ENDED: Final = 128 + signal.SIGTERM
"""Exit status after SIGTERM, as shells have it."""
LONGEST_REASON: Final = 300
REMOVING_SECONDS: Final = 5.0
"""Ray's processes write their last lines after they were told to end."""


Kind = Literal["local", "joined", "found"]


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A worker is gone, and what it had in hand with it.

    Args:
        why: what Ray says, one line.
    """

    why: str


class Session:
    """Ray as this process has it; a local Ray is started when the first worker is.

    Attributes:
        kind: `local`, `joined` (a cluster by RAY_ADDRESS) or `found` (Ray was initialised in this process before).

    Raises:
        CannotRunError: Ray is not installed, or the cluster cannot be joined.
    """

    def __init__(self) -> None:
        address = os.environ.get("RAY_ADDRESS", "")
        self._address = "" if address == LOCAL else address
        self._folder: Path | None = None
        self._handler: Any = None
        self._environment = RayEnvironment(self._address)
        try:
            self._ray = _imported()
        except CannotRunError:
            self._environment.restore()
            raise
        found = self._ray.is_initialized()
        self.kind: Kind = "found" if found else "joined" if self._address else "local"

    def join(self, runtime_env: Mapping[str, Any]) -> None:
        """Connect to the cluster.

        Raises:
            CannotRunError: nobody there, no token, or Ray does not take this process or its folder.
        """
        try:
            check_reachable(self._address)
            with standard_error_kept_quiet():
                self._init(address=self._address, runtime_env=dict(runtime_env))
        except CannotRunError:
            self.close()
            raise
        except (Exception, SystemExit) as error:
            self.close()
            raise explained(error, self._address) from error

    def start(self, cpus: int, *, gpus: bool) -> None:
        """Start a local Ray, unless there is one: no dashboard, nothing on standard output.

        Args:
            cpus: how many it may count on, whatever the machine has.
            gpus: whether it may hand out the GPUs that are there.

        Raises:
            CannotRunError: it does not come up.
        """
        if self.kind != LOCAL or self._ray.is_initialized():
            return
        self._folder = Path(tempfile.mkdtemp(prefix="trainsense-", dir=_short_folder()))
        try:
            self._init(
                address=LOCAL,
                num_cpus=cpus,
                num_gpus=None if gpus else 0,
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                _temp_dir=str(self._folder),
            )
        except Exception as error:
            self.close()
            msg = f"--engine ray: Ray could not be started here: {error}"
            raise CannotRunError(msg) from error

    def nodes(self) -> list[dict[str, float]]:
        """Return what each node of the cluster has in all."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def hire(self, actor: type, needs: Needs, *arguments: object) -> Any:
        """Return a new actor; it comes up when a node has room for it."""
        options = self._ray.remote(num_cpus=needs.cpus, num_gpus=needs.gpus, max_restarts=0, max_task_retries=0)
        return options(actor).remote(*arguments)

    def wait(self, promises: Sequence[Any]) -> list[Any]:
        """Return those that are kept, one at least."""
        try:
            first, _ = self._ray.wait(list(promises), num_returns=1)
        except SystemExit:  # Ray passes it on with a status of its own
            raise SystemExit(ENDED) from None
        more, _ = self._ray.wait(list(promises), num_returns=len(promises), timeout=0)
        return list(more or first)

    def answer(self, promise: Any) -> object:
        """Return what an actor's method returned, or that the actor is `Lost`.

        Raises:
            CannotRunError: the cluster cannot set up a worker for this workload at all.
        """
        problems = self._ray.exceptions
        try:
            return self._ray.get(promise)
        except problems.RuntimeEnvSetupError as error:
            raise explained(error, self._address) from error
        except problems.RayTaskError:
            raise
        except problems.RayError as error:
            return Lost(why=_short(str(error)))

    def dismiss(self, actor: Any) -> None:
        """Kill an actor, whatever it is doing."""
        self._ray.kill(actor)

    def close(self) -> None:
        """Leave what was joined, end what was started, and leave alone what was found."""
        if self.kind != "found":
            self._ray.shutdown()
            if self._handler is not None:
                signal.signal(signal.SIGTERM, self._handler)
        _remove(self._folder)
        self._environment.restore()

    def _init(self, **options: Any) -> None:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread:
            self._handler = signal.getsignal(signal.SIGTERM)
        self._ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
        if in_main_thread:
            # In place of Ray's own, which prints a stack and aborts after 3 s: too soon to end what was started.
            signal.signal(signal.SIGTERM, _end if self._handler == signal.SIG_DFL else self._handler)


def _imported() -> Any:
    try:
        import ray  # noqa: PLC0415  (an extra)
    except ImportError as error:
        msg = f"--engine ray needs the package ray ({error}): {INSTALL}"
        raise CannotRunError(msg) from None
    return ray


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(ENDED)


def _short_folder() -> str | None:
    """Return where temporary folders go, None for the usual place."""
    return "/tmp" if len(tempfile.gettempdir()) > LONGEST_FOLDER and Path("/tmp").is_dir() else None  # noqa: S108


def _remove(folder: Path | None) -> None:
    """Remove a folder into which processes that are ending may still write."""
    deadline = time.monotonic() + REMOVING_SECONDS
    while folder is not None and folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def _short(text: str) -> str:
    """Return what ended a worker, out of all that Ray says about it."""
    detail = text.rpartition("Worker exit detail: ")[2].partition(" Some common causes")[0]
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    return lines[-1][-LONGEST_REASON:].rstrip(".") if lines else "no reason was given"
