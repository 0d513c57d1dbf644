"""Bad inputs end in one clear error: exit 2, no traceback of ours, nothing on standard output."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.acceptance.bad_inputs import (
    DRY_RUN,
    DURING_TRAINING,
    FIELDS,
    FILES,
    OPTIONS,
    SICK,
    TARGETS,
    BadInput,
    write_surroundings,
)
from tests.command_line import RunCli

ROOT = Path(__file__).parents[2]
OWN_FRAME = f'File "{ROOT / "trainsense"}'
ROWS = (*TARGETS, *FILES, *FIELDS, *OPTIONS, *DRY_RUN)
WITH_A_PROCESS = ("syntax error", "budget", "unknown option")


def check(row: BadInput, status: int, out: str, err: str) -> None:
    """Compare what a command left with what its row expects."""
    assert OWN_FRAME not in err
    assert "trainsense itself failed" not in err
    assert (status, out) == (2, ""), err
    for fragment in row.says:
        assert fragment in err


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_input_is_one_clear_error(row: BadInput, run_cli: RunCli, tmp_path: Path) -> None:
    """Every row of the table."""
    if row.name == "no GPU" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    write_surroundings(tmp_path, row)
    ended = run_cli(*row.arguments)
    check(row, ended.status, ended.out, ended.err)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in WITH_A_PROCESS], ids=lambda row: row.name)
def test_and_so_it_is_in_a_process_of_its_own(row: BadInput, tmp_path: Path) -> None:
    """A handful through the real entry point."""
    write_surroundings(tmp_path, row)
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from trainsense.cli.main import main; main()"
    command = [sys.executable, "-c", program, *row.arguments]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    check(row, process.returncode, process.stdout, process.stderr)


@pytest.mark.parametrize("row", DURING_TRAINING, ids=lambda row: row.name)
def test_code_that_raises_later_is_told_too(row: BadInput, run_cli: RunCli, tmp_path: Path) -> None:
    """What passes the dry run and raises in a trial is told with its text, as an error or as crashed trials."""
    write_surroundings(tmp_path, row)
    ended = run_cli(*row.arguments)
    assert ended.status in {0, 1, 2}
    assert OWN_FRAME not in ended.err
    assert all(fragment in ended.out + ended.err for fragment in row.says)


@pytest.mark.parametrize("row", SICK, ids=lambda row: row.name)
def test_a_sick_workload_is_no_usage_error(row: BadInput, run_cli: RunCli, tmp_path: Path) -> None:
    """That is what findings are for."""
    write_surroundings(tmp_path, row)
    ended = run_cli(*row.arguments, "--format", "json")
    assert ended.status in {0, 1}, ended.err
    assert json.loads(ended.out)["command"] == "sweep-lr"


def test_the_table_is_long_enough() -> None:
    """At least thirty rows, each with its own name."""
    names = [row.name for row in ROWS]
    assert len(names) >= 30
    assert len(set(names)) == len(names)
