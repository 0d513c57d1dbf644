"""`trainsense compare`: arguments, exit status, formats, and that it starts at once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.command_line import RunCli
from trainsense.reporters.comparison import COMPARISON_FORMATS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_runs" / "wide_resnet_stride" / "report.json"


def saved(path: Path, **changes: Any) -> str:
    """Save the sample report, changed, and return where."""
    path.write_text(json.dumps({**json.loads(SAMPLE.read_text()), **changes}))
    return str(path)


def lowered() -> dict[str, Any]:
    """Return the sample's stages with an edge at a tenth of what it was."""
    stages = json.loads(SAMPLE.read_text())["stages"]
    stages["sweep_lr"] |= {"edge_lr": 0.01, "unstable_lr": 0.03}
    return dict(stages)


def test_status(run_cli: RunCli, tmp_path: Path) -> None:
    """0, whatever it says; 1 for a regression where that was asked for."""
    sick = saved(tmp_path / "sick.json")
    well = saved(tmp_path / "well.json", findings=[])
    low = saved(tmp_path / "low.json", stages=lowered())
    assert run_cli("compare", well, sick).status == 0
    assert run_cli("compare", well, sick, "--fail-on-regression").status == 1
    assert run_cli("compare", sick, low, "--fail-on-regression").status == 1
    assert run_cli("compare", low, well, "--fail-on-regression").status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Which reports?"),
        (("one",), "Which reports?"),
        (("missing", "missing"), "There is no saved report 'missing'"),
        (("bad.json", "bad.json"), "is not JSON"),
        (("bad.json", "bad.json", "--format", "txt"), "--format 'txt' is unknown"),
        (("bad.json", "bad.json", "--output", "json"), "is not FORMAT=PATH"),
    ],
)
def test_what_cannot_be_compared_is_status_2(
    run_cli: RunCli, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """With one sentence and no traceback."""
    (tmp_path / "bad.json").write_text("{")
    ended = run_cli("compare", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_report_of_another_schema_is_status_2(run_cli: RunCli, tmp_path: Path) -> None:
    """Whichever of the two it is."""
    other = saved(tmp_path / "other.json", schema="trainsense.report/2")
    assert run_cli("compare", str(SAMPLE), other).status == 2
    assert run_cli("compare", other, str(SAMPLE)).status == 2


def test_schema(run_cli: RunCli) -> None:
    """It is a schema, and what is written fits it."""
    schema = json.loads(run_cli("compare", "--schema").out)
    Draft202012Validator.check_schema(schema)
    document = json.loads(run_cli("compare", str(SAMPLE), str(SAMPLE), "--format", "json").out)
    Draft202012Validator(schema).validate(document)
    assert document["verdict"] == "same"


@pytest.mark.parametrize("name", COMPARISON_FORMATS)
def test_every_format_goes_to_standard_output_and_into_files(run_cli: RunCli, tmp_path: Path, name: str) -> None:
    """The same document, and no other status for it."""
    path = tmp_path / "out"
    ended = run_cli("compare", str(SAMPLE), str(SAMPLE), "--format", name, "--output", f"{name}={path}")
    assert (ended.status, ended.err) == (0, "")
    assert path.read_text(encoding="utf-8").strip() == ended.out.strip() != ""


def test_a_github_step_gets_its_summary_and_outputs(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the format asks for it."""
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    low = saved(tmp_path / "low.json", stages=lowered())
    run_cli("compare", str(SAMPLE), low)
    assert not summary.exists()
    assert run_cli("compare", str(SAMPLE), low, "--format", "github").err == ""
    assert "regressed" in summary.read_text()
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert (outputs["verdict"], json.loads(outputs["regressions"])) == ("regressed", ["edge_lr"])
    report = json.loads(SAMPLE.read_text(encoding="utf-8"))
    assert json.loads(outputs["findings"]) == [finding["rule"] for finding in report["findings"]]


def test_it_loads_nothing_heavy() -> None:
    """No torch, pandas or matplotlib, nor the second that scipy.stats takes."""
    program = (
        f"import sys\nfrom trainsense.cli.main import run\nstatus = run(['compare', {str(SAMPLE)!r}, {str(SAMPLE)!r}])\n"
        "heavy = {'torch', 'pandas', 'matplotlib', 'scipy.stats'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith("✓ same  wide_resnet_stride")
