"""Each command on a tiny workload, from the outside."""

import json
from pathlib import Path

import pytest

from tests.acceptance.process import TINY, ended
from tests.command_line import RunCli

SMALL = ("--budget", "1500steps", "--steps", "40", "--run-dir", "runs")
STAGES = {
    "preflight": {"preflight"},
    "sweep-lr": {"sweep_lr"},
    "check-instability": {"sweep_lr", "check_instability"},
    "pick-clip": {"sweep_lr", "pick_clip"},
    "sweep-warmup": {"sweep_lr", "check_instability", "sweep_warmup"},
    "diagnose": {"preflight", "sweep_lr", "check_instability"},
}


@pytest.mark.parametrize("command", STAGES)
def test_standard_output_is_the_report(command: str, tmp_path: Path, run_cli: RunCli) -> None:
    """Exactly one JSON document, whatever the workload prints; tables and plots are in the run directory."""
    (tmp_path / "w.py").write_text(TINY)
    run = run_cli(command, "w.py", "--format", "json", *SMALL)
    assert run.status in {0, 1}, run.err
    report = json.loads(run.out)
    assert report["command"] == command
    assert set(report["stages"]) >= STAGES[command]
    assert run.status == int(any(one["severity"] == "error" for one in report["findings"]))
    assert "noise on standard output" in run.err
    assert "noise on the descriptor" in run.err
    assert report["cost"]["steps"] <= 1500
    assert json.loads((tmp_path / "runs" / "report.json").read_text()) == report
    for table in ("trials.csv", "traces.csv") if report["cost"]["trials"] else ():
        assert (tmp_path / "runs" / table).stat().st_size > 100
    for plot in report.get("plots", {}).values():
        assert (tmp_path / "runs" / plot).exists()


def test_text_and_a_file_beside_it_from_a_process(tmp_path: Path) -> None:
    """`--output json=PATH`, through the real entry point."""
    (tmp_path / "w.py").write_text(TINY)
    status, out, err = ended(tmp_path, "diagnose", "w.py", *SMALL, "--output", "json=r.json", "--fail-on", "never")
    assert status == 0, err
    assert "noise" not in out
    assert "noise on standard output" in err
    assert "\x1b" not in out
    assert all(len(line) <= 80 for line in out.splitlines())
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["verdict"] in out.lower()
