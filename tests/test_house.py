"""The house rules, checked by the tools themselves, so that `pytest` alone is the whole check."""

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.labelled.cases import CASES
from trainsense.rules import RULES

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "trainsense").rglob("*.py"))
LONGEST_FILE = 300
SECTIONS = ("## What it checks", "## How it is decided", "## What to try", "## References")
CONTRACT_RULES = frozenset(
    [
        "no-gradient",
        "not-optimized",
        "non-finite-data",
        "input-not-normalized",
        "bad-initial-loss",
        "double-softmax",
        "inner-softmax",
        "constant-output",
        "output-range",
        "broadcast-loss",
        "labels-mismatch",
        "over-regularized",
        "cannot-overfit-batch",
        "ignores-input",
        "example-leak",
        "not-deterministic",
        "best-lr-at-edge",
        "early-instability",
        "mid-training-instability",
        "non-finite-loss",
        "lr-too-high",
        "lr-too-low",
        "oscillating-loss",
        "gradient-outliers",
        "clip-too-aggressive",
        "warmup-too-long",
        "input-collapse",
        "attention-logits-growing",
        "vanishing-gradient",
        "exploding-gradient",
        "dead-relu",
        "saturated-activation",
        "bad-init-scale",
        "symmetric-init",
        "post-norm-residual",
        "missing-residual",
        "missing-normalization",
        "residual-not-zero-init",
        "small-batch-norm",
        "early-plateau",
        "mid-training-plateau",
        "near-convergence",
        "saddle-point",
        "edge-of-stability",
        "noise-dominated",
        "overfitting",
        "discriminator-dominates",
    ]
)
TOOLS = {
    "ruff check": ("ruff", ["-m", "ruff", "check", "."]),
    "ruff format": ("ruff", ["-m", "ruff", "format", "--check", "."]),
    "mypy": ("mypy", ["-m", "mypy"]),
    "import-linter": (
        "importlinter",
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_find_nothing(tool: str) -> None:
    """Under the settings of pyproject.toml."""
    module, arguments = TOOLS[tool]
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install 'trainsense-diagnostics[dev]'")
    process = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=False, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stdout + process.stderr


def test_the_pages_count_all_labelled_workloads() -> None:
    """What was measured before a workload was added has to be measured again."""
    sound = sum(not case.faulty for case in CASES)
    faults = {rule: sum(case.rules[0] == rule for case in CASES if case.faulty) for rule in CONTRACT_RULES}
    for rule in RULES:
        if "## Measured" in rule.page:
            assert f" of {sound} sound workloads" in rule.page, rule.name
            assert f" of its {faults[rule.name]} faults" in rule.page or "gives notes alone" in rule.page, rule.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_concept(path: Path) -> None:
    """None over 300 lines, each with its docstring."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_its_page_and_a_name_of_the_contract(rule: object) -> None:
    """The docstring is the page; its sections come in order, none of them empty."""
    name, page, summary = rule.name, rule.page, rule.summary  # type: ignore[attr-defined]
    assert name in CONTRACT_RULES
    labelled = name in {rule for case in CASES for rule in (*case.rules, *case.near)}
    sections = (*SECTIONS[:2], "## Measured", *SECTIONS[2:]) if labelled else SECTIONS
    places = [page.index(section) for section in sections]
    assert places == sorted(places)
    bodies = re.split(r"^## .*$", page, flags=re.MULTILINE)
    assert len(bodies) == page.count("\n## ") + 1 >= len(sections) + 1
    assert all(body.strip() for body in bodies)
    assert summary.endswith(".")


def test_rule_names_are_unique() -> None:
    """A finding is known by its rule."""
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_no_rule_file_is_forgotten() -> None:
    """Every file beside the tuple is in it."""
    files = {path.stem.replace("_", "-") for path in (ROOT / "trainsense" / "rules").glob("*/*.py")}
    assert files - {"--init--"} == {rule.name for rule in RULES}


@pytest.mark.parametrize("arguments", [["--help"], ["explain"], ["explain", "lr-too-high"], ["diagnose", "--help"]])
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    """They answer at once."""
    program = (
        f"import sys\nfrom trainsense.cli.main import run\nstatus = run({arguments!r})\n"
        "heavy = {'torch', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
    )
    assert (process.returncode, process.stderr) == (0, "")
