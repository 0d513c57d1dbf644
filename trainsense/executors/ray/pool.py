"""Runs trials in Ray workers, each with a bench of its own, here or on a cluster."""

import math
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from trainsense.errors import CannotRunError, OptionError
from trainsense.executors.process_pool import GAIN_PER_WORKER
from trainsense.executors.ray.needs import Needs
from trainsense.executors.ray.session import Lost, Session
from trainsense.executors.ray.shipping import shipment_of
from trainsense.executors.ray.trainer import Ready, Trainer
from trainsense.executors.worker import Assignment, Refusal
from trainsense.records.outcome import Crashed
from trainsense.records.run import Run
from trainsense.records.trial import Trial

MOST_DEATHS: Final = 2
"""A trial whose worker was lost so often is given up, and the engine if so many are lost before they can train."""
MOST_AT_ONCE: Final = 32
"""Workers on a cluster unless told otherwise: hardly a stage knows of more trials at once."""


class _Worker:
    """One actor, and what it has promised: its bench at first, then a run."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.promise: Any = actor.prepare.remote()
        self.task: int | None = None

    def send(self, task: int, trial: Trial) -> None:
        """Hand it a trial."""
        self.task, self.promise = task, self.actor.train.remote(trial)


class RayPool:
    """The engine `ray`: a worker or a node that is lost costs its own trials, which are run again elsewhere.

    Args:
        assignment: how each worker builds its bench, as seen from this machine.
        needs: what one trial takes of a node.
        cores: of this machine.
        jobs: number of workers at most; None for as many as there is room for.
        run_dir: where trials are kept, which is not shipped.

    Raises:
        CannotRunError: Ray is missing, or the cluster cannot be joined.
        OptionError: there is no room for such a trial, or the workload's folder cannot be shipped.
    """

    def __init__(
        self, assignment: Assignment, needs: Needs, *, cores: int, jobs: int | None = None, run_dir: Path | None = None
    ) -> None:
        self._assignment = replace(assignment, device="cuda") if needs.gpus else assignment  # Ray numbers them anew
        self._needs = needs
        self._cores = cores
        self._session = Session()
        self._workers: list[_Worker] = []
        self._lost_early = 0
        try:
            if self._session.kind == "joined":
                self._join(run_dir)
            self.width = self._room(jobs)
            self.pace = 1 + (self.width - 1) * GAIN_PER_WORKER
        except BaseException:
            self._session.close()
            raise

    @property
    def text(self) -> str:
        """Return where trials run, and how many at once."""
        where = {
            "local": "on a Ray of this machine's own",
            "joined": "on the Ray cluster of RAY_ADDRESS",
            "found": "on the Ray that was initialised before",
        }[self._session.kind]
        gpus = f", {self._needs.gpus:g} GPU" if self._needs.gpus else ""
        workers = "1 worker" if self.width == 1 else f"{self.width} workers"
        return f"{workers} {where}, {self._needs.cpus:g} CPU{gpus} for each"

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial as they finish.

        Raises:
            TrainsenseError: the workload could not be set up in a worker, or its batch source raised.
        """
        waiting = deque(range(len(trials)))
        deaths = [0] * len(trials)
        try:
            while waiting or self._busy():
                self._hire(len(waiting))
                self._hand_out(waiting, trials)
                for worker in self._kept_their_promise():
                    answer, task = self._session.answer(worker.promise), worker.task
                    worker.task = worker.promise = None
                    if isinstance(answer, Refusal):
                        raise answer.error()
                    if isinstance(answer, Run):
                        yield answer
                    elif isinstance(answer, Lost):
                        self._dismiss(worker)
                        if task is None:
                            self._note_early_loss(answer)
                            continue
                        deaths[task] += 1
                        if deaths[task] < MOST_DEATHS:
                            waiting.appendleft(task)
                        else:
                            yield _given_up(trials[task], answer)
                    else:
                        _check_version(answer)
        finally:
            for worker in self._busy():
                self._dismiss(worker)  # interrupted: what it has in hand is wanted no more

    def close(self) -> None:
        """End all workers, and Ray if it was started for them."""
        for worker in list(self._workers):
            self._dismiss(worker)
        self._session.close()

    def _join(self, run_dir: Path | None) -> None:
        with tempfile.TemporaryDirectory(prefix="trainsense-") as packed:
            shipment = shipment_of(self._assignment, Path(packed), run_dir)
            self._session.join(shipment.runtime_env)
        self._assignment = shipment.assignment

    def _room(self, jobs: int | None) -> int:
        """Return how many trials run at once."""
        if self._session.kind == "local":
            room = self._needs.room([{"CPU": max(self._cores, self._needs.cpus), "GPU": torch.cuda.device_count()}])
            enough = jobs if jobs is not None and not self._needs.gpus else room
            return self._checked(min(jobs or room, enough), "this machine")
        room = self._needs.room(self._session.nodes())
        return jobs or self._checked(min(room, MOST_AT_ONCE), "any node of the cluster")

    def _checked(self, room: int, where: str) -> int:
        if room:
            return room
        needs = f"{self._needs.cpus:g} CPUs and {self._needs.gpus:g} GPUs"
        msg = f"--engine ray: a trial needs {needs}, which is more than {where} has: lower --cpus-per-trial or --gpus-per-trial, or give --jobs to wait for a node that has it."
        raise OptionError(msg)

    def _hire(self, waiting: int) -> None:
        while len(self._workers) < min(self.width, waiting + len(self._busy())):
            cpus = max(self._cores, math.ceil(self._needs.cpus * self.width))
            self._session.start(cpus, gpus=self._needs.gpus > 0)
            self._workers.append(_Worker(self._session.hire(Trainer, self._needs, self._assignment)))

    def _hand_out(self, waiting: deque[int], trials: Sequence[Trial]) -> None:
        for worker in self._workers:
            if worker.promise is None and waiting:
                task = waiting.popleft()
                worker.send(task, trials[task])

    def _kept_their_promise(self) -> list[_Worker]:
        by_promise = {worker.promise: worker for worker in self._workers if worker.promise is not None}
        return [by_promise[promise] for promise in self._session.wait(list(by_promise))]

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        self._session.dismiss(worker.actor)

    def _note_early_loss(self, lost: Lost) -> None:
        self._lost_early += 1
        if self._lost_early >= MOST_DEATHS:
            msg = f"--engine ray: {self._lost_early} workers were lost before they could train: {lost.why}"
            raise CannotRunError(msg)


def _check_version(answer: object) -> None:
    """Raise where a worker would train with another version of torch: its runs would not be those of this machine."""
    assert isinstance(answer, Ready)
    here, there = (version.partition("+")[0] for version in (torch.__version__, answer.torch))
    if here != there:
        msg = f"--engine ray: the cluster's workers have torch {there}, and here it is {here}: trials would not be comparable. Install the same version."
        raise CannotRunError(msg)


def _given_up(trial: Trial, lost: Lost) -> Run:
    message = f"the Ray worker was lost {MOST_DEATHS} times ({lost.why}): memory may have run out. Try fewer --jobs."
    return Run(trial=trial, outcome=Crashed(reason="out-of-memory", step=0, message=message))
