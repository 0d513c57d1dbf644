"""Standard output carries the report alone."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from trainsense.cli.streams import deliver, report_stream
from trainsense.errors import CannotRunError

ROOT = Path(__file__).parents[2]
NOISE = """
import ctypes, os, subprocess, sys
from trainsense.cli.streams import deliver, report_stream
print("before")
with report_stream() as stream:
    print("noise from Python")
    os.write(1, b"noise from the descriptor\\n")
    subprocess.run([sys.executable, "-c", "print('noise from a child')"], check=True)
    print("noise from the first stdout", file=sys.__stdout__)
    ctypes.CDLL(None).printf(b"noise from C\\n")
    stream.write("the report é\\n")
print("after")
"""


def ended(text: str, **options: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python text in a process of its own."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **options}
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )


def test_everything_else_goes_to_standard_error() -> None:
    """Prints, raw writes, children and C libraries; before and after, all is as it was."""
    process = ended(NOISE)
    assert process.stdout == "before\nthe report é\nafter\n"
    assert process.stderr.count("noise from") == 5


def test_what_the_encoding_cannot_carry_is_replaced() -> None:
    """A report never fails for a letter."""
    process = ended(NOISE, PYTHONIOENCODING="ascii")
    assert process.returncode == 0
    assert "the report ?" in process.stdout


def test_under_a_capture_without_a_file(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A notebook's or a test's standard output is used as it is."""
    out = StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with report_stream() as stream:
        print("noise")  # noqa: T201 - the noise is the point
        stream.write("report")
    assert sys.stdout is out
    assert out.getvalue() == "report"
    assert capfd.readouterr().err == "noise\n"


def test_it_is_put_back_after_an_error() -> None:
    """Whatever happens inside."""
    before = sys.stdout
    with pytest.raises(ZeroDivisionError), report_stream():
        raise ZeroDivisionError
    assert sys.stdout is before


def test_a_closed_standard_output_is_no_fault() -> None:
    """`>&-` leaves no stream at all."""
    text = "import sys; sys.stdout = None\nfrom trainsense.cli.streams import report_stream\n"
    process = ended(f"{text}with report_stream() as stream: stream.write('x')\n")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_a_reader_that_left_is_no_error() -> None:
    """`trainsense … | head`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        deliver(lambda out: out.write("x" * 100_000), stream)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error() -> None:
    """Not a traceback, and not a second error when the stream closes."""
    with (
        Path("/dev/full").open("w") as stream,
        pytest.raises(CannotRunError, match="could not be written to standard output: No space left on device"),
    ):
        deliver(lambda out: out.write("x"), stream)
