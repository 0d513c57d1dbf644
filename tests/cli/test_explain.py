"""`explain`: the list and the pages, for people and for programs."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import RunCli
from trainsense.records.fix import FIX_NAMES
from trainsense.reporters.rule_pages.markdown import page_of_rule, table_of_rules
from trainsense.reporters.rule_pages.text import text_of_rule, text_of_rules
from trainsense.rules import RULES, Rule

ROOT = Path(__file__).parents[2]
EXPLAIN = [sys.executable, "-m", "trainsense", "explain"]
KEYS = ["name", "family", "summary", "page", "sections", "fixes"]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def words(text: str) -> list[str]:
    """Return the words of a text, markup and layout left out."""
    return re.findall(r"\w+", re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_the_list_has_every_rule_on_one_line_when_piped(run_cli: RunCli) -> None:
    """For grep."""
    ended = run_cli("explain")
    lines = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    for rule in RULES:
        assert any(line.split() == [rule.name, *rule.summary.split()] for line in lines), rule.name
    assert [line[:-1] for line in lines if line.endswith(":")] == list(dict.fromkeys(rule.family for rule in RULES))


def test_a_page_is_plain_markdown_when_piped(run_cli: RunCli) -> None:
    """The same as with --format markdown."""
    plain, markdown = run_cli("explain", "dead-relu"), run_cli("explain", "dead-relu", "--format", "markdown")
    rule = next(rule for rule in RULES if rule.name == "dead-relu")
    assert plain.out == markdown.out == page_of_rule(rule) + "\n"
    assert plain.out.startswith("# dead-relu (layers)\n\nUnits behind a ReLU")


def test_the_list_in_markdown_is_the_readmes_table(run_cli: RunCli) -> None:
    """One function writes both."""
    ended = run_cli("explain", "--format", "markdown")
    assert ended.out == table_of_rules(RULES) + "\n"
    assert ended.out.strip() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_json_has_the_same_shape_for_one_rule_and_for_all(run_cli: RunCli) -> None:
    """Sections by heading; nothing of the page is lost in them."""
    every = json.loads(run_cli("explain", "--format", "json").out)
    one = json.loads(run_cli("explain", "lr-too-high", "--format", "json").out)
    assert every["schema"] == one["schema"] == "trainsense.rules/1"
    assert [entry["name"] for entry in every["rules"]] == [rule.name for rule in RULES]
    assert one["rules"] == [entry for entry in every["rules"] if entry["name"] == "lr-too-high"]
    for entry in every["rules"]:
        assert list(entry) == KEYS
        parts = [f"## {heading}\n{text}" for heading, text in entry["sections"].items()]
        assert words(entry["page"]) == words("\n".join([entry["page"].partition("\n## ")[0], *parts]))
        assert {"What it checks", "How it is decided", "What to try", "References"} <= set(entry["sections"])


@each_rule
def test_the_fixes_of_a_rule_are_those_that_its_source_names(rule: Rule) -> None:
    """Whatever function names them."""
    source = (ROOT / "trainsense" / "rules" / rule.family / f"{rule.name.replace('-', '_')}.py").read_text("utf-8")
    assert set(rule.fixes) == set(re.findall(r'"([\w-]+)"', source)) & set(FIX_NAMES)


def test_fix_names_are_the_contracts() -> None:
    """All of them, in its order."""
    contract = (ROOT / "trainsense" / "records" / "CONTRACT.md").read_text(encoding="utf-8")
    listed = contract.partition("## 5.")[2].strip().split("\n\n")[1]
    assert list(FIX_NAMES) == re.findall(r"`([\w-]+)`", listed)


@each_rule
@pytest.mark.parametrize("width", [20, 61, 200])
def test_a_rendered_page_says_all_within_its_width(rule: Rule, width: int) -> None:
    """Every word of the page, in its order, and no markup of headings."""
    shown = text_of_rule(rule, width=width, color=False, encoding="ascii")
    assert shown.isascii()
    assert max(len(line) for line in shown.splitlines()) <= width
    assert "##" not in shown
    plain = page_of_rule(rule).encode("ascii", "replace").decode()
    assert "".join(words(shown)) == "".join(words(plain))


@pytest.mark.parametrize("width", [20, 59, 60, 200])
def test_the_rendered_list_says_all_within_its_width(width: int) -> None:
    """Under the name where there is no room beside it."""
    shown = text_of_rules(RULES, width=width, color=True, encoding=None)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert max(len(line) for line in lines) <= max(width, max(len(rule.name) for rule in RULES) + 2)
    assert set(words(" ".join(rule.summary for rule in RULES))) <= set(words(shown))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lr-to-high"], "Did you mean lr-too-high?"),
        (["Dead_ReLU"], "Did you mean dead-relu?"),
        (["softmax"], "Did you mean double-softmax or inner-softmax?"),
        (["zzz"], "All of them: trainsense explain"),
        (["[bold]"], "There is no rule '[bold]'"),
        (["pre-norm"], "'pre-norm' is a fix, not a rule. Rules that offer it: post-norm-residual, input-collapse."),
        (["decay-lr"], "'decay-lr' is a fix, not a rule. No finding"),
        (["--format", "jsn"], "Did you mean json?"),
        (["lr-too-high", "--format", "junit"], "it is one of text, json or markdown"),
    ],
)
def test_an_unknown_name_names_the_nearest(run_cli: RunCli, arguments: list[str], message: str) -> None:
    """On one line, exit 2."""
    ended = run_cli("explain", *arguments)
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert message in ended.err


def in_terminal(arguments: list[str], **environment: str) -> str:
    """Return what a terminal of 80 columns is sent."""
    master, slave = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    with subprocess.Popen(
        [*EXPLAIN, *arguments], cwd=ROOT, stdout=slave, stderr=slave, env={**kept, "TERM": "xterm", **environment}
    ) as process:
        os.close(slave)
        sent = b""
        while chunk := _read(master):
            sent += chunk
    os.close(master)
    assert process.returncode == 0
    return sent.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_a_terminal_gets_the_page_rendered() -> None:
    """In colour unless NO_COLOR is set."""
    colored, plain = in_terminal(["missing-residual"]), in_terminal(["missing-residual"], NO_COLOR="1")
    assert "\x1b[1m" in colored
    assert "\x1b[" not in plain
    for shown in (colored, plain):
        assert "##" not in shown
        assert words(shown)[:2] == ["missing", "residual"]
    assert max(len(line) for line in plain.splitlines()) <= 80


def test_nothing_heavy_is_loaded() -> None:
    """They answer at once."""
    commands = [["explain", "--format", "json"], ["explain", "dead-relu"], ["explain", "warmup"], ["init", "-"]]
    heavy = ["torch", "pandas", "matplotlib", "scipy", "jsonschema", "lightning", "transformers"]
    program = (
        "import json, sys\nfrom trainsense.cli.main import run\n"
        f"statuses = [run(arguments) for arguments in {commands}]\n"
        f"print(json.dumps([statuses, [name for name in {heavy} if name in sys.modules]]), file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(process.stderr.splitlines()[-1]) == [[0, 0, 2, 0], []]
