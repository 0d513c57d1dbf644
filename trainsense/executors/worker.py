"""A worker process: builds its own bench from the workload's address and trains what it is sent."""

import os
import signal
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

import torch

from trainsense.errors import TrainsenseError, UserCodeError
from trainsense.executors.allocator import keep_freed_memory
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial
from trainsense.workload.load import load


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What a worker needs to know to train as its parent would; the workload itself never travels.

    Args:
        target: the workload's address, as `workload.load.load` takes it.
        folder: the parent's current folder.
        lr: the learning rate to take for the user's own, None for the workload's.
        device: `cpu`, `cuda:0`, …
        seed: of the dry run.
        threads: torch's threads in the worker, 1 or more.
    """

    target: str
    folder: str
    lr: float | None
    device: str
    seed: int
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An error that ends the diagnosis, on its way to the parent.

    Args:
        kind: the error's class, one of `errors`.
        message: its text.
        user_traceback: where in the user's code, empty if not there.
    """

    kind: type[TrainsenseError]
    message: str
    user_traceback: str = ""

    def error(self) -> TrainsenseError:
        """Return the error as it was raised."""
        if issubclass(self.kind, UserCodeError):
            return self.kind(self.message, self.user_traceback)
        return self.kind(self.message)


def work(connection: Connection, assignment: Assignment) -> None:
    """Train every trial that arrives and send its run back, until the parent is gone.

    Args:
        connection: receives a `Trial`, or None to end; sends a `Run`, or a `Refusal`.
        assignment: how to build the bench.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption ends
    os.dup2(2, 1)  # what the user's code prints is no report
    keep_freed_memory()
    try:
        bench = bench_for(assignment)
        while (trial := connection.recv()) is not None:
            assert isinstance(trial, Trial)
            connection.send(run_trial(bench, trial))
    except TrainsenseError as error:
        connection.send(refusal_of(error))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone: nobody wants the rest


def bench_for(assignment: Assignment) -> Bench:
    """Return the bench that the assignment describes; this process is the worker's own.

    Raises:
        TrainsenseError: the workload cannot be loaded or set up here.
    """
    os.chdir(assignment.folder)
    torch.set_num_threads(assignment.threads)
    workload = load(assignment.target).workload
    if assignment.lr is not None:
        workload = replace(workload, lr=assignment.lr)
    bench = prepare(workload, torch.device(assignment.device), assignment.seed)
    torch.set_num_threads(assignment.threads)  # the workload's file may have set its own
    return bench


def refusal_of(error: TrainsenseError) -> Refusal:
    """Return an error as it travels to the parent."""
    traceback = error.user_traceback if isinstance(error, UserCodeError) else ""
    return Refusal(kind=type(error), message=str(error), user_traceback=traceback)
