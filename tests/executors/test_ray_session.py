"""Without Ray, or without its cluster: one clear error each; and what a session does with workers it loses."""

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from tests.executors.pooled import by_trial, trial
from trainsense.errors import CannotRunError, OptionError, WorkloadError
from trainsense.executors.ray import pool as pool_module
from trainsense.executors.ray.environment import RayEnvironment
from trainsense.executors.ray.joining import check_reachable, explained
from trainsense.executors.ray.needs import Needs
from trainsense.executors.ray.pool import RayPool
from trainsense.executors.ray.session import Lost, Session
from trainsense.executors.ray.trainer import Ready
from trainsense.executors.worker import Assignment, Refusal
from trainsense.records.outcome import Completed, Crashed
from trainsense.records.run import Run
from trainsense.records.trial import Trial

ASSIGNMENT = Assignment(target="train.py", folder=".", lr=None, device="cpu", seed=0)
DEADLY = 0.013


class FakeActor:
    """Promises are functions that give the answer."""

    def __init__(self, session: "FakeSession") -> None:
        self.prepare = self.train = self
        self._session = session

    def remote(self, *trials: Trial) -> Any:
        """Return a promise."""
        return (self, *trials)


class FakeSession:
    """A Ray whose workers are lost at one learning rate, or before they can train."""

    kind = "local"
    hired = 0
    closed = False
    first: object = None

    def start(self, cpus: int, *, gpus: bool) -> None:
        """Count on it."""
        self.cpus = cpus

    def hire(self, actor: type, needs: Needs, *arguments: object) -> FakeActor:
        """Return a new actor."""
        self.hired += 1
        return FakeActor(self)

    def wait(self, promises: Sequence[Any]) -> list[Any]:
        """Return them all."""
        assert promises
        return list(promises)

    def answer(self, promise: Any) -> object:
        """Return what was promised."""
        if len(promise) == 1:
            return self.first or Ready(torch=torch.__version__)
        return Lost(why="its node is gone") if promise[1].lr == DEADLY else Run(trial=promise[1], outcome=Completed())

    def dismiss(self, actor: FakeActor) -> None:
        """Do without it."""

    def close(self) -> None:
        """End."""
        self.closed = True


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    made = FakeSession()
    monkeypatch.setattr(pool_module, "Session", lambda: made)
    return made


def test_a_trial_whose_worker_is_lost_twice_is_given_up(session: FakeSession) -> None:
    """Everything else is run."""
    pool = RayPool(ASSIGNMENT, Needs(cpus=0.5), cores=1)
    assert pool.width == 2
    runs = by_trial(pool.run([trial(lr) for lr in (0.01, DEADLY, 0.02, 0.03)]))
    dead = runs[trial(DEADLY).content()].outcome
    assert isinstance(dead, Crashed)
    assert "lost 2 times (its node is gone)" in dead.text
    assert sum(isinstance(run.outcome, Completed) for run in runs.values()) == 3
    assert session.cpus == 1
    pool.close()
    assert session.closed


@pytest.mark.parametrize(
    ("first", "error", "text"),
    [
        (Lost(why="no torch there"), CannotRunError, "2 workers were lost before they could train: no torch there"),
        (Refusal(kind=WorkloadError, message="no such file"), WorkloadError, "no such file"),
        (Ready(torch="1.0"), CannotRunError, "have torch 1.0, and here"),
    ],
)
def test_workers_that_cannot_train_end_the_diagnosis(
    session: FakeSession, first: object, error: type[Exception], text: str
) -> None:
    """They are not hired for ever."""
    session.first = first
    with pytest.raises(error, match=text):
        list(RayPool(ASSIGNMENT, Needs(), cores=2).run([trial(0.01)]))
    assert session.hired <= 2


def test_a_trial_that_fits_nowhere_is_refused(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert RayPool(ASSIGNMENT, Needs(gpus=0.25), cores=8, jobs=6).width == 4
    with pytest.raises(OptionError, match="1 CPUs and 2 GPUs, which is more than this machine has"):
        RayPool(ASSIGNMENT, Needs(gpus=2), cores=8)
    assert session.closed


def test_without_the_package_there_is_one_line_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the environment is as it was."""
    monkeypatch.setitem(sys.modules, "ray", None)
    before = dict(os.environ)
    with pytest.raises(CannotRunError, match=r"pip install 'trainsense-diagnostics\[ray\]'"):
        Session()
    assert dict(os.environ) == before


def test_a_cluster_that_does_not_answer_is_told_at_once() -> None:
    """Ray itself waits two minutes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_reachable(f"ray://127.0.0.1:{port}")
        check_reachable("auto")
    with pytest.raises(CannotRunError, match=f"no Ray cluster answers at RAY_ADDRESS=127.0.0.1:{port}"):
        check_reachable(f"127.0.0.1:{port}")


def test_a_cluster_that_wants_a_token_is_told_of() -> None:
    """Ray says only that it could not connect; the reason lies two errors below."""
    error = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
    error.__cause__ = RuntimeError("Failed to connect to GCS. Last connection error: Unauthenticated: InvalidAuthToken")
    assert "set RAY_AUTH_TOKEN" in str(explained(error, "10.0.0.1:6379"))
    error.__cause__ = None
    assert "RAY_AUTH_TOKEN" not in str(explained(error, "10.0.0.1:6379"))
    error = ConnectionError("ray client connection timeout")
    assert "set RAY_AUTH_TOKEN" in str(explained(error, "ray://10.0.0.1:10001"))


def test_a_token_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token alone does nothing in Ray; a Ray of our own gets one that stays off the disk."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    joining = RayEnvironment("10.0.0.1:6379")
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    joining.restore()
    assert [name for name in os.environ if name.startswith("RAY_")] == ["RAY_AUTH_TOKEN"]
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    starting = RayEnvironment("")
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    starting.restore()
    assert "RAY_AUTH_TOKEN" not in os.environ
