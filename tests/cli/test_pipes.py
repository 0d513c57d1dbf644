"""What becomes of every format when its reader leaves or the disk is full: never a finding's exit status by accident."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trainsense.reporters.formats import FORMATS

ROOT = Path(__file__).parents[2]
SAMPLE = "sample_runs/deep_sigmoid"
PROGRAM = """
import contextlib, io, json, os, sys, tempfile
from trainsense.cli.main import main, run
cases = json.loads(sys.argv[1])
with contextlib.redirect_stdout(io.StringIO()):
    run(cases[0][0])  # what is imported is imported once; each child below ends as a process of its own does
ended = []
for arguments, target in cases:
    read, write = os.pipe()
    if target == "left":
        os.close(read)
    elif target == "full":
        write = os.open("/dev/full", os.O_WRONLY)
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            os.dup2(write, 1)
            os.dup2(told.fileno(), 2)
            sys.argv = ["trainsense", *arguments]
            main()
        os.close(write)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        ended.append([os.waitstatus_to_exitcode(status), told.read().decode()])
print(json.dumps(ended))
"""


def _arguments(name: str, fail_on: str) -> list[str]:
    return ["report", SAMPLE, "--format", name, "--fail-on", fail_on]


@cache
def ended() -> dict[tuple[str, str], tuple[int, str]]:
    """Return exit status and standard error of every format, by what its output leads to; findings fail nothing."""
    targets = ["left", "full"] if Path("/dev/full").exists() else ["left"]
    cases = [(name, target) for name in FORMATS for target in targets]
    given = json.dumps([(_arguments(name, "never"), target) for name, target in cases])
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, given],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=_environment(),
    )
    seen: list[list[Any]] = json.loads(process.stdout)
    return {case: (status, told) for case, (status, told) in zip(cases, seen, strict=True)}


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}


@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_that_leaves_changes_nothing(name: str) -> None:
    """`| head`: the exit status is that of the findings, and there is no word of it."""
    assert ended()[name, "left"] == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_is_one_clear_line(name: str) -> None:
    """And the status of what could not run."""
    line = "Error: The report could not be written to standard output: No space left on device.\n"
    assert ended()[name, "full"] == (2, line)


@pytest.mark.parametrize(
    ("redirected", "fail_on", "status"),
    [("| head -c 20", "error", 1), (">&-", "never", 0)],
)
def test_through_a_shell(redirected: str, fail_on: str, status: int) -> None:
    """As people type it; standard output closed from the start among it."""
    command = " ".join([sys.executable, "-m", "trainsense", *_arguments("junit", fail_on), redirected])
    process = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=_environment(),
    )
    head = '<?xml version="1.0" '[:20] if "head" in redirected else ""
    assert (process.returncode, process.stdout, process.stderr) == (status, head, "")
