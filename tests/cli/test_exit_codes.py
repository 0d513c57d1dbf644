"""The exit status of CONTRACT 2, with a stand-in for the core."""

import errno
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.command_line import GOOD_WORKLOAD, RunCli
from trainsense.cli.main import run
from trainsense.errors import TrainsenseError
from trainsense.records.finding import Finding, Severity
from trainsense.records.progress import Listener
from trainsense.records.report import Cost, Report, WorkloadSummary
from trainsense.records.request import Request
from trainsense.workload.load import LoadedWorkload

ROOT = Path(__file__).parents[2]
HEALTHY = Report(
    version="0.1.0",
    command="diagnose",
    workload=WorkloadSummary(name="w", source="w.py", parameters=3, device="cpu", fingerprint="0" * 64),
    verdict="healthy",
    summary="Nothing was found.",
    findings=(),
    fixes=(),
    recommendation=None,
    stages={},
    cost=Cost(trials=0, steps=0, seconds=0.0),
)


@dataclass(frozen=True, kw_only=True)
class Diagnosed:
    """A stand-in for the core's result."""

    report: Report
    interrupted: bool = False
    directory: Path | None = None


def found(severity: Severity) -> Report:
    """Return a report with one finding."""
    finding = Finding(rule="best-lr-at-edge", severity=severity, title="t", detail="d")
    return replace(HEALTHY, verdict="unhealthy", findings=(finding,))


class Core:
    """A stand-in for the core: keeps what it was asked and answers as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the core's place."""
        self.answer: Diagnosed | BaseException = Diagnosed(report=HEALTHY)
        self.request: Request | None = None
        monkeypatch.setattr("trainsense.diagnosis.run_diagnosis", self, raising=False)

    def __call__(self, loaded: LoadedWorkload, request: Request, listener: Listener) -> Diagnosed:
        """Answer."""
        self.request = request
        listener.plan(("the plan",), 100)
        listener.stage(f"sweeping {loaded.name}")
        loaded.workload.data()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Core:
    """Return the stand-in; `w.py` is a workload that prints."""
    text = GOOD_WORKLOAD.replace("def data(): ", "def data():\n    print('loading data')\n    ")
    (tmp_path / "w.py").write_text(
        f"print('importing')\n{text}\nworkload = Workload(model=model, data=data, loss=loss)"
    )
    return Core(monkeypatch)


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        ("error", "error", 1),
        ("warning", "error", 0),
        ("warning", "warning", 1),
        ("note", "warning", 0),
        ("note", "note", 1),
        ("error", "note", 1),
        ("error", "never", 0),
    ],
)
def test_fail_on(core: Core, run_cli: RunCli, severity: Severity, fail_on: str, status: int) -> None:
    """1 from the severity on that the user chose."""
    core.answer = Diagnosed(report=found(severity))
    assert run_cli("diagnose", "w.py", "--fail-on", fail_on).status == status


def test_the_report_is_alone_on_standard_output(core: Core, run_cli: RunCli, tmp_path: Path) -> None:
    """One JSON document; what the user's code prints and the progress go beside it."""
    core.answer = Diagnosed(report=HEALTHY, directory=tmp_path / "runs")
    ended = run_cli("diagnose", "w.py", "--format", "json", "--output", "text=r.txt", "--output", "json=r.json")
    assert ended.status == 0
    assert json.loads(ended.out)["verdict"] == "healthy"
    for told in ("importing", "loading data", "the plan", "sweeping w", "Kept in"):
        assert told in ended.err
    assert json.loads((tmp_path / "r.json").read_text()) == json.loads(ended.out)
    assert "Nothing was found." in (tmp_path / "r.txt").read_text()


def test_quiet_keeps_warnings(core: Core, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """No progress, but what the user should know."""
    monkeypatch.setenv("TRAINSENSE_JOBZ", "4")
    ended = run_cli("sweep-lr", "w.py", "--quiet")
    assert core.request is not None
    assert "the plan" not in ended.err
    assert "TRAINSENSE_JOBZ" in ended.err


@pytest.mark.parametrize("command", ["sweep-lr", "check-instability", "pick-clip", "sweep-warmup", "diagnose"])
def test_every_command_asks_for_itself(core: Core, run_cli: RunCli, command: str) -> None:
    """The default run directory carries the workload's name."""
    assert run_cli(command, "w.py", "--lr", "0.5").status == 0
    assert core.request is not None
    assert (core.request.command, core.request.lr) == (command, 0.5)
    assert core.request.run_dir == Path(".trainsense/w")


def test_the_factor_of_sweep_warmup(core: Core, run_cli: RunCli) -> None:
    """The one option of its own."""
    run_cli("sweep-warmup", "w.py", "--factor", "100")
    assert core.request is not None
    assert core.request.factor == 100
    assert run_cli("sweep-lr", "w.py", "--factor", "100").status == 2


def test_interrupted_with_a_report(core: Core, run_cli: RunCli) -> None:
    """130, and what was measured is reported."""
    core.answer = Diagnosed(report=found("error"), interrupted=True)
    ended = run_cli("diagnose", "w.py")
    assert ended.status == 130
    assert ended.out


def test_interrupted_outside_the_core(core: Core, run_cli: RunCli) -> None:
    """130 as well."""
    core.answer = KeyboardInterrupt()
    ended = run_cli("diagnose", "w.py")
    assert (ended.status, ended.out) == (130, "")
    assert "Interrupted" in ended.err


@pytest.mark.parametrize("error", [TypeError("x is not y"), TrainsenseError("x is not y"), EOFError("x is not y")])
def test_a_fault_of_trainsense(core: Core, run_cli: RunCli, error: Exception) -> None:
    """3; the traceback only on request."""
    core.answer = error
    ended = run_cli("diagnose", "w.py")
    assert (ended.status, ended.out) == (3, "")
    assert f"trainsense itself failed: {type(error).__name__}: x is not y (a bug; run again with --debug" in ended.err
    assert "Traceback" not in ended.err
    assert "Traceback" in run_cli("diagnose", "w.py", "--debug").err


@pytest.mark.parametrize("code", ["0", "'gone'"])
def test_a_workload_that_exits(run_cli: RunCli, tmp_path: Path, code: str) -> None:
    """Its status would be taken for that of a diagnosis: 0 with no report at all."""
    leaves = (
        f"def leave(net, batch): return loss(net, batch) if not net.training or next(calls) < 9 else sys.exit({code})"
    )
    text = f"import sys, itertools\n{GOOD_WORKLOAD}\ncalls = itertools.count()\n{leaves}\n"
    (tmp_path / "w.py").write_text(f"{text}workload = Workload(model=model, data=data, loss=leave)\n", encoding="utf-8")
    ended = run_cli("preflight", "w.py", "--quiet")
    assert (ended.status, ended.out) == (2, "")
    assert "raised SystemExit" in ended.err


def test_a_broken_pipe_in_the_core_is_no_finding(core: Core, run_cli: RunCli) -> None:
    """Typer would exit with 1."""
    core.answer = BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert run_cli("diagnose", "w.py").status == 3


def test_a_reader_that_left_is_no_fault() -> None:
    """`trainsense … | head`."""
    script = f"{sys.executable} -m trainsense explain | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    process = subprocess.run(["bash", "-c", script], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["explain"]])
def test_light_commands_load_no_torch(arguments: list[str]) -> None:
    """They answer at once."""
    text = f"import sys\nfrom trainsense.cli.main import run\nstatus = run({arguments!r})\n"
    check = "heavy = {'torch', 'pandas', 'matplotlib'} & set(sys.modules)\nsys.exit(f'{heavy}' if heavy else status)"
    process = subprocess.run(
        [sys.executable, "-c", text + check], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout


@pytest.mark.parametrize("command", ["sweep-lr", "check-instability", "pick-clip", "sweep-warmup", "diagnose"])
def test_help_leads_with_examples(run_cli: RunCli, command: str) -> None:
    """Lines to copy, before the options."""
    ended = run_cli(command, "--help")
    assert ended.status == 0
    assert 0 < ended.out.index(f"  trainsense {command} recipes/wide_resnet_stride.py\n") < ended.out.index("Options:")


def test_an_unknown_rule_has_a_close_match(run_cli: RunCli) -> None:
    """`explain` is told names as people remember them."""
    ended = run_cli("explain", "best-lr-at-the-edge")
    assert ended.status == 2
    assert "Did you mean best-lr-at-edge?" in ended.err
    assert "best-lr-at-edge" in run_cli("explain", "best-lr-at-edge").out


def test_no_command_shows_the_help(capfd: pytest.CaptureFixture[str]) -> None:
    """And counts as a usage error."""
    assert run([]) == 2
    assert "diagnose" in capfd.readouterr().err
