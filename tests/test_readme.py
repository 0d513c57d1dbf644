"""The README is true: its code runs, its rule table is the rules', its commands are the command line's."""

import re
import shlex
from pathlib import Path

import pytest
import torch

from tests.benchmarks.record_sample_runs import README_SAMPLES
from trainsense.reporters.rule_pages.markdown import table_of_rules
from trainsense.rules import RULES
from trainsense.runners.bench import prepare
from trainsense.workload.load import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_rule_table_is_generated_from_the_rules() -> None:
    found = README.split("<!-- rule table -->")[1].split("<!-- end of rule table -->")[0].strip()
    assert found == table_of_rules(RULES)


def test_the_workload_in_ten_lines_passes_its_dry_run(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(blocks("python")[0], encoding="utf-8")
    bench = prepare(load(str(tmp_path / "train.py")).workload, torch.device("cpu"), 0)
    assert bench.seen.parameters > 0


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").write_text(blocks("python")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, object] = {}
    exec(blocks("python")[1].replace("budget=60", "budget=4"), names)  # noqa: S102 - the README's own code
    assert vars(names["diagnosis"])["report"].verdict in ("healthy", "unhealthy", "inconclusive")


@pytest.mark.parametrize(
    "line", [line for block in blocks("bash") for line in block.splitlines() if "trainsense" in line]
)
def test_every_command_line_names_a_command_and_a_recipe_that_exist(line: str) -> None:
    words = shlex.split(line, comments=True)
    words = (
        words[max(index for index, word in enumerate(words) if word.endswith("trainsense")) :]
        if "&&" in words
        else words
    )
    if words[0].endswith("python") or len(words) < 2:
        return
    command, arguments = words[1], words[2:]
    module = "explain" if command == "explain" else command.replace("-", "_")
    assert (ROOT / "trainsense" / "cli" / f"{module}.py").exists()
    for word in arguments:
        if word.startswith("recipes/"):
            assert (ROOT / word).exists()


def test_links_to_files_lead_somewhere() -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(("mark", "sample"), README_SAMPLES.items())
def test_the_report_shown_is_the_one_recorded(mark: str, sample: str) -> None:
    shown = README.split(f"<!-- {mark} -->")[1].split(f"<!-- end of {mark} -->")[0]
    recorded = (ROOT / "sample_runs" / sample / "report.txt").read_text(encoding="utf-8")
    assert shown.strip() == f"```text\n{recorded.strip()}\n```"
