"""Tests of the summary and the outputs of a GitHub step."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import RunCli
from trainsense.cli import github_step
from trainsense.reporters.document import Document

SAMPLE = Path(__file__).parents[2] / "sample_runs" / "wide_resnet_stride"
MOST_BYTES = 1 << 20
SHORT, LONG = "## short é\n", "## long é\n\nmore\n"


@pytest.fixture(autouse=True)
def a_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that GitHub's runner names, and a summary that is easily told."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setattr(github_step, "document_of_report", lambda report, rendering: document(with_blocks=True))
    monkeypatch.setattr(github_step, "step_summary", lambda shown: LONG if shown.blocks else SHORT)


def document(*, with_blocks: bool) -> Document:
    """Return a document with or without a rest."""
    from trainsense.reporters.document import Paragraph  # noqa: PLC0415 - by the side of its only use

    blocks = (Paragraph(text="more"),) if with_blocks else ()
    return Document(title="t", tone="healthy", verdict="healthy", subtitle="", summary="", blocks=blocks)


def test_summary_and_outputs_are_appended(run_cli: RunCli, tmp_path: Path) -> None:
    """To what other commands of the step have written, on lines of their own."""
    (tmp_path / "summary.md").write_text("before", encoding="utf-8")
    (tmp_path / "output").write_text("other=1\n", encoding="utf-8")
    ended = run_cli("report", str(SAMPLE), "--format", "github", "--output", f"github={tmp_path / 'commands.txt'}")
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith("::error title=early-instability")
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == f"before\n{LONG}"
    report = json.loads((SAMPLE / "report.json").read_text(encoding="utf-8"))
    assert (tmp_path / "output").read_text(encoding="utf-8").splitlines() == [
        "other=1",
        "verdict=unhealthy",
        f"best_lr={report['stages']['sweep_lr']['best_lr']:g}",
        "clip_norm=",
        "warmup_steps=",
        f"findings={json.dumps([finding['rule'] for finding in report['findings']])}",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--format", "text"], False), (["--format", "junit"], False), (["--output", "github=commands.txt"], True)],
)
def test_only_the_format_github_tells_the_runner(
    run_cli: RunCli, tmp_path: Path, arguments: list[str], *, told: bool
) -> None:
    """Wherever it goes."""
    run_cli("report", str(SAMPLE), *arguments)
    assert (tmp_path / "summary.md").exists() == told
    assert (tmp_path / "output").exists() == told


def test_elsewhere_nothing_is_written(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, no file."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    ended = run_cli("report", str(SAMPLE), "--format", "github")
    assert (ended.status, ended.err, list(tmp_path.iterdir())) == (1, "", [])


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (MOST_BYTES - len(LONG.encode()) - 1, LONG),
        (MOST_BYTES - len(LONG.encode()), SHORT),
        (MOST_BYTES - len(SHORT.encode()), ""),
        (MOST_BYTES + 5, ""),
    ],
)
def test_a_step_gets_no_more_than_github_takes(run_cli: RunCli, tmp_path: Path, taken: int, expected: str) -> None:
    """What is there already counts; if little room is left, the first lines are told."""
    (tmp_path / "summary.md").write_bytes(b"x" * (taken - 1) + b"\n")
    ended = run_cli("report", str(SAMPLE), "--format", "github")
    added = (tmp_path / "summary.md").read_bytes()[taken:].decode()
    assert added == expected
    assert ended.status == 1
    assert ("Warning: $GITHUB_STEP_SUMMARY is full" in ended.err) == (not expected)


def _folder(path: Path) -> None:
    path.mkdir()


def _nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "no" / "such" / "folder")


@pytest.mark.parametrize("variable", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
@pytest.mark.parametrize("hinder", [_folder, _nowhere])
def test_a_file_that_cannot_be_written_is_a_warning(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hinder: Callable[[Path], None], variable: str
) -> None:
    """One line; the report, the exit status and the other file are as ever."""
    hinder(tmp_path / "there")
    monkeypatch.setenv(variable, str(tmp_path / "there"))
    ended = run_cli("report", str(SAMPLE), "--format", "github")
    assert ended.status == 1
    assert ended.out.startswith("::error title=early-instability")
    assert ended.err.startswith(f"Warning: ${variable} could not be written: ")
    assert len(ended.err.splitlines()) == 1
    other = "output" if variable == "GITHUB_STEP_SUMMARY" else "summary.md"
    assert (tmp_path / other).exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_warning(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a second kind of failure."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    ended = run_cli("report", str(SAMPLE), "--format", "github", "--fail-on", "never")
    assert ended.status == 0
    assert ended.err.splitlines() == [
        "Warning: $GITHUB_STEP_SUMMARY could not be written: No space left on device. The report is not affected."
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_runner_is_told_though_a_file_fails(run_cli: RunCli, tmp_path: Path) -> None:
    """One failure is no reason for another."""
    ended = run_cli("report", str(SAMPLE), "--format", "github", "--output", "json=/dev/full")
    assert ended.status == 2
    assert (tmp_path / "output").exists()
