"""Progress goes to standard error: a bar on a terminal, plain lines elsewhere."""

import sys

import pytest

from trainsense.cli.progress import progress_listener


def test_progress_off_a_terminal_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan and each stage, a line each, no escape codes."""
    with progress_listener(quiet=False) as listener:
        listener.plan(("one", "two"), 10)
        listener.stage("three")
        listener.started("a trial", 10)
        listener.finished(10, "ran to the end")
        listener.warn("careful")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "one\ntwo\nthree\nWarning: careful\n")


def test_a_bar_on_a_terminal_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials that end early shorten the rest."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_listener(quiet=False) as listener:
        listener.plan(("the [plan]",), 100)
        listener.stage("sweeping [bold]")
        listener.started("a trial", 60)
        listener.finished(20, "diverged")
        listener.started("a trial", 40)
        listener.finished(40, "ran to the end")
        listener.warn("careful")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "the [plan]" in captured.err
    assert "100%" in captured.err
