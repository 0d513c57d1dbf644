"""What is typed becomes a checked request."""

import math
from pathlib import Path

import pytest

from trainsense.cli.budget import parse_budget
from trainsense.cli.options import RunOptions
from trainsense.cli.rendering import check_format, parse_outputs
from trainsense.cli.request import default_run_dir, request_from
from trainsense.errors import OptionError
from trainsense.records.request import BudgetLimit, Request


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("90s", 90, "seconds"),
        ("10m", 600, "seconds"),
        ("1h", 3600, "seconds"),
        (" 1.5 H ", 5400, "seconds"),
        ("2min", 120, "seconds"),
        ("20000steps", 20000, "steps"),
        ("1 step", 1, "steps"),
    ],
)
def test_budgets(text: str, amount: float, unit: str) -> None:
    """Time or steps, with or without a space."""
    budget = parse_budget(text)
    assert (budget.amount, budget.unit) == (amount, unit)


@pytest.mark.parametrize(
    "text", ["", "3x", "90", "s", "-5s", "0s", "0steps", "1.5steps", "nan", "inf s", "1e3s", "ten m"]
)
def test_a_wrong_budget_shows_good_ones(text: str) -> None:
    """The message has an example to copy."""
    with pytest.raises(OptionError, match="20000steps"):
        parse_budget(text)


def test_defaults_are_the_requests() -> None:
    """Nothing typed is nothing changed."""
    assert request_from("diagnose", RunOptions(workload="w.py")) == Request(command="diagnose")


def test_every_option_arrives() -> None:
    """What was typed is what is asked for."""
    options = RunOptions(
        workload="w.py",
        lr=0.1,
        steps=50,
        seeds=2,
        seed=7,
        device="cuda:1",
        budget="9s",
        run_dir=Path("runs"),
        fresh=True,
    )
    assert request_from("sweep-warmup", options, factor=100.0) == Request(
        command="sweep-warmup",
        lr=0.1,
        steps=50,
        seeds=2,
        seed=7,
        device="cuda:1",
        budget=BudgetLimit(amount=9.0, unit="seconds"),
        run_dir=Path("runs"),
        fresh=True,
        factor=100.0,
    )


WRONG = [
    (RunOptions(workload="", lr=0.0), "--lr 0"),
    (RunOptions(workload="", lr=-1.0), "--lr -1"),
    (RunOptions(workload="", lr=math.nan), "--lr nan"),
    (RunOptions(workload="", lr=math.inf), "--lr inf"),
    (RunOptions(workload="", steps=19), "--steps 19 is too small: it must be at least 20"),
    (RunOptions(workload="", seeds=0), "--seeds 0"),
    (RunOptions(workload="", seed=-1), "--seed -1"),
    (RunOptions(workload="", jobs=0), "--jobs 0"),
    (RunOptions(workload="", engine="ray", cpus_per_trial=0.0), "--cpus-per-trial 0"),
    (RunOptions(workload="", engine="ray", gpus_per_trial=1.5), "--gpus-per-trial 1.5"),
    (RunOptions(workload="", engine="ray", gpus_per_trial=-0.5), "--gpus-per-trial -0.5"),
    (RunOptions(workload="", gpus_per_trial=0.5), "--gpus-per-trial 0.5 is for --engine ray, and the engine is auto"),
    (RunOptions(workload="", device="cudo"), "Did you mean cuda?"),
    (RunOptions(workload="", device="cuda:N"), "for example cuda:0"),
    (RunOptions(workload="", device="cuda:-1"), "auto, cpu, cuda, mps or cuda:N"),
    (
        RunOptions(workload="", engine="ray", compile=True),
        "--compile is for --engine stacked or auto, and the engine is ray",
    ),
    (RunOptions(workload="", engine="warp"), "--engine 'warp' is unknown: it is one of auto, sequential"),
    (RunOptions(workload="", fail_on="errors"), "Did you mean error?"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_value_names_its_option(options: RunOptions, message: str) -> None:
    """The option, what was given, what would do."""
    with pytest.raises(OptionError) as caught:
        request_from("diagnose", options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["text", "json", "markdown", "junit", "sarif", "github", "html"])
def test_every_format_of_the_contract_is_there(name: str) -> None:
    """None is announced and missing."""
    check_format(name)


def test_an_unknown_format_has_a_close_match() -> None:
    """A typing mistake is."""
    with pytest.raises(
        OptionError, match=r"--format 'jsn' is unknown: it is one of text, .* or html\. Did you mean json"
    ):
        check_format("jsn")


def test_outputs(tmp_path: Path) -> None:
    """Several files; an equals sign belongs to the path from the second on."""
    text, json = parse_outputs([f"text={tmp_path}/a=b.txt", f"json={tmp_path}/c.json"])
    assert (text.format, text.path.name, json.format) == ("text", "a=b.txt", "json")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["report.json"], "is not FORMAT=PATH"),
        (["json="], "is not FORMAT=PATH"),
        (["pdf=report.pdf"], "--output 'pdf' is unknown"),
        (["json=no/such/folder/report.json"], "there is no folder no/such/folder"),
        (["json=."], "names a folder"),
        (["json=x", "text=./x"], "twice"),
    ],
)
def test_a_wrong_output_is_told_before_the_work(
    texts: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that can be known before the work starts is checked before it does."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError) as caught:
        parse_outputs(texts)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("net", "net"), ("a/b: c", "a_b_c"), ("..", "workload"), ("naïve-1.2", "naïve-1.2"), ("x" * 300, "x" * 100)],
)
def test_run_directories_are_file_names(name: str, folder: str) -> None:
    """A workload may be called anything."""
    assert default_run_dir(name) == Path(".trainsense") / folder
