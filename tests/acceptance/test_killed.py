"""Killed at any moment, nothing finished is lost, and the same command carries on to the same report."""

import json
import signal
from pathlib import Path

import pytest

from tests.acceptance.process import TINY, comparable, executions, signalled, start
from tests.command_line import RunCli

COMMAND = ("sweep-lr", "w.py", "--format", "json", "--budget", "2000steps", "--steps", "40", "--quiet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the tiny workload."""
    (tmp_path / "w.py").write_text(TINY)
    return tmp_path


def test_kill_and_run_again(folder: Path, run_cli: RunCli) -> None:
    """Killed in the middle, no trial runs twice, and the report is that of an undisturbed run."""
    killed = [*COMMAND, "--run-dir", "killed"]
    process = start(folder, *killed)
    status, out, _ = signalled(process, signal.SIGKILL, lambda: len(executions(folder / "killed")) >= 5)
    assert (status, out) == (-signal.SIGKILL, "")
    kept = len(executions(folder / "killed"))
    assert kept >= 5
    carried_on = run_cli(*killed)
    assert carried_on.status in {0, 1}, carried_on.err
    counts = executions(folder / "killed")
    assert set(counts) == {1}
    assert len(counts) > kept
    report = json.loads(carried_on.out)
    assert report["cost"]["trials"] == len(counts)
    undisturbed = run_cli(*COMMAND, "--run-dir", "undisturbed")
    assert comparable(report) == comparable(json.loads(undisturbed.out))
    again = run_cli(*killed)
    assert set(executions(folder / "killed")) == {1}
    assert comparable(report) == comparable(json.loads(again.out))


def test_fresh_runs_everything_again(folder: Path, run_cli: RunCli) -> None:
    """And says so in the store."""
    small = ("sweep-lr", "w.py", "--budget", "900steps", "--steps", "40", "--run-dir", "runs", "--quiet")
    assert run_cli(*small).status in {0, 1}
    assert set(executions(folder / "runs")) == {1}
    assert run_cli(*small, "--fresh").status in {0, 1}
    assert set(executions(folder / "runs")) == {2}


def test_interrupted(folder: Path) -> None:
    """130, one report of what was measured so far, and the trials are kept."""
    process = start(
        folder,
        "diagnose",
        "w.py",
        "--format",
        "json",
        "--budget",
        "40000steps",
        "--run-dir",
        "runs",
        "--fail-on",
        "never",
    )
    status, out, err = signalled(process, signal.SIGINT, lambda: len(executions(folder / "runs")) >= 8)
    assert status == 130, err
    report = json.loads(out)
    assert report["summary"].startswith("Interrupted")
    assert report["verdict"] in {"inconclusive", "unhealthy"}
    assert report["cost"]["trials"] == len(executions(folder / "runs")) >= 8
    assert report["stages"]["sweep_lr"]["trials"]
    assert "Traceback" not in err
    assert json.loads((folder / "runs" / "report.json").read_text()) == report
