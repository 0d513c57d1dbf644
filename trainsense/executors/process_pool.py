"""Runs trials in worker processes, each with a bench of its own."""

import multiprocessing
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Final

from trainsense.executors.interface import Executor
from trainsense.executors.worker import Assignment, Refusal, work
from trainsense.records.outcome import Crashed
from trainsense.records.run import Run
from trainsense.records.trial import Trial

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

MOST_DEATHS: Final = 2
"""A trial whose worker died so often is given up: memory is short, or its code ends the process."""
GAIN_PER_WORKER: Final = 0.5
"""Each further worker does at least so much of what the first does (measured on two shared cores: 0.3 to 0.86)."""
PRELOADED: Final = ("torch", "torch._dynamo", "trainsense.executors.worker")
"""What the fork server imports once: a worker is then ready in 0.15 s instead of 5 s. The first optimizer that is built
imports `torch._dynamo`."""


class _Worker:
    """One process, its pipe, and the trial that it has in hand."""

    def __init__(self, context: BaseContext, assignment: Assignment) -> None:
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=work, args=(theirs, assignment), daemon=True, name="trainsense-worker"
        )
        with _without_main():
            self.process.start()
        theirs.close()
        self.task: int | None = None

    def send(self, task: int, trial: Trial) -> None:
        """Hand it a trial; a worker that is dead already shows when it is waited for."""
        self.task = task
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(trial)

    def received(self) -> Run | Refusal | None:
        """Return what it has sent, None if it died."""
        try:
            answer: Run | Refusal = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        return answer

    def end(self) -> None:
        """Kill it, whatever it is doing."""
        self.connection.close()
        self.process.kill()
        self.process.join()


class ProcessPool:
    """The engine `processes`: a worker that dies costs its own trial and nothing else.

    Args:
        assignment: how each worker builds its bench.
        jobs: number of workers, 1 or more; they are kept until `close`.
        meanwhile: runs a single trial while they come up; None for waiting.
    """

    def __init__(self, assignment: Assignment, jobs: int, *, meanwhile: Executor | None = None) -> None:
        self.width = jobs
        self.pace = 1 + (jobs - 1) * GAIN_PER_WORKER
        self._assignment = assignment
        self._context = _context()
        self._workers: list[_Worker] = []
        self._meanwhile = meanwhile
        self._starting: Thread | None = None

    def begin(self) -> None:
        """Start the workers while this process goes on."""
        self._starting = Thread(target=self._start, daemon=True, name="trainsense-workers")
        self._starting.start()

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial as they finish.

        Raises:
            TrainsenseError: the workload could not be set up in a worker, or its batch source raised.
        """
        if (
            self._starting is not None
            and self._starting.is_alive()
            and self._meanwhile is not None
            and len(trials) == 1
        ):
            yield from self._meanwhile.run(trials)
            return
        self._settle()
        waiting = deque(range(len(trials)))
        deaths = [0] * len(trials)
        try:
            while waiting or any(worker.task is not None for worker in self._workers):
                self._hand_out(waiting, trials)
                for worker in self._ready():
                    task, worker_answer = worker.task, worker.received()
                    assert task is not None
                    worker.task = None
                    if isinstance(worker_answer, Refusal):
                        raise worker_answer.error()
                    if worker_answer is not None:
                        yield worker_answer
                        continue
                    status = self._buried(worker)
                    deaths[task] += 1
                    if deaths[task] < MOST_DEATHS:
                        waiting.appendleft(task)
                    else:
                        yield _given_up(trials[task], status)
        finally:
            for worker in [one for one in self._workers if one.task is not None]:
                self._buried(worker)  # interrupted: what it has in hand is wanted no more

    def close(self) -> None:
        """End all workers."""
        self._settle()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _start(self) -> None:
        with suppress(OSError):  # whatever cannot be started now is told when it is needed
            for _ in range(self.width):
                self._workers.append(_Worker(self._context, self._assignment))

    def _settle(self) -> None:
        """Wait for workers that are being started."""
        if self._starting is not None:
            self._starting.join()
            self._starting = None

    def _hand_out(self, waiting: deque[int], trials: Sequence[Trial]) -> None:
        while waiting and len(self._workers) < self.width and all(one.task is not None for one in self._workers):
            worker = _Worker(self._context, self._assignment)
            self._workers.append(worker)
            task = waiting.popleft()
            worker.send(task, trials[task])
        for worker in self._workers:
            if worker.task is None and waiting:
                task = waiting.popleft()
                worker.send(task, trials[task])

    def _ready(self) -> list[_Worker]:
        busy: dict[Connection, _Worker] = {one.connection: one for one in self._workers if one.task is not None}
        return [busy[one] for one in wait(list(busy)) if isinstance(one, Connection)]

    def _buried(self, worker: _Worker) -> int | None:
        """End a worker and forget it; return its exit status, negative for the signal that killed it."""
        worker.process.join(timeout=1.0 if worker.task is None else 0.0)
        status = worker.process.exitcode
        worker.end()
        self._workers.remove(worker)
        return status


def _given_up(trial: Trial, status: int | None) -> Run:
    how = f"killed by signal {-status}" if status is not None and status < 0 else f"exit status {status}"
    message = f"the worker process died {MOST_DEATHS} times ({how}): memory may have run out. Try fewer --jobs."
    return Run(trial=trial, outcome=Crashed(reason="out-of-memory", step=0, message=message))


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep a new process from importing this one's main module: it needs nothing from it, and a script may diagnose as it is read."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _context() -> BaseContext:
    """Return the fork server where the platform has one: it imports torch once for all workers."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        return context
    return multiprocessing.get_context("spawn")
