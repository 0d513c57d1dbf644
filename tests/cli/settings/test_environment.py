"""Settings in environment variables."""

import pytest

from tests.cli.settings.conftest import Asked
from tests.cli.test_exit_codes import Core
from tests.command_line import RunCli
from trainsense.cli.settings.environment import environment_settings


@pytest.mark.parametrize(
    ("name", "text", "items"),
    [
        ("IGNORE", "dead-relu", ["dead-relu"]),
        ("IGNORE", "dead-relu,lr-too-low", ["dead-relu", "lr-too-low"]),
        ("IGNORE", "dead-relu=small, by design", ["dead-relu=small, by design"]),
        ("IGNORE", "dead-relu=at lr=0.1,momentum=0.9", ["dead-relu=at lr=0.1,momentum=0.9"]),
        ("IGNORE", "dead-relu=a,lr-too-low=b, c,lr-too-high", ["dead-relu=a", "lr-too-low=b, c", "lr-too-high"]),
        ("IGNORE", "\n dead-relu=a,lr-too-low=b \n\nlr-too-high\n", ["dead-relu=a,lr-too-low=b", "lr-too-high"]),
        ("SELECT", "dead-relu, lr-too-low,", ["dead-relu", "lr-too-low"]),
        ("SELECT", "dead-relu\r\nlr-too-low", ["dead-relu", "lr-too-low"]),
        ("OUTPUT", "json=a,b.json,junit=c.xml", ["json=a,b.json", "junit=c.xml"]),
        ("OUTPUT", "json=a.json\ntext=b.txt", ["json=a.json", "text=b.txt"]),
    ],
)
def test_lists(name: str, text: str, items: list[str]) -> None:
    """One a line, or with commas where nothing else can be meant."""
    assert environment_settings({f"TRAINSENSE_{name}": text})[name.lower()].value == items


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SEED", "1.5", "TRAINSENSE_SEED is '1.5', a string: it must be a whole number"),
        ("SEEDS", "0", "TRAINSENSE_SEEDS 0 is too small"),
        ("LR", "nan", "TRAINSENSE_LR nan is no such number"),
        ("LR", "fast", "TRAINSENSE_LR is 'fast', a string: it must be a number"),
        ("QUIET", "maybe", "TRAINSENSE_QUIET is 'maybe', a string: it must be true or false"),
        ("FAIL_ON", "errors", "TRAINSENSE_FAIL_ON 'errors' is unknown: it is one of error, warning, note or never"),
        ("FORMAT", "jsn", "TRAINSENSE_FORMAT 'jsn' is unknown"),
        ("BUDGET", "10", "TRAINSENSE_BUDGET '10' is not an amount"),
        (
            "IGNORE",
            "dead-relu=x, lr-to-low=y",
            "TRAINSENSE_IGNORE names the rule 'lr-to-low', which does not exist; the",
        ),
        ("OUTPUT", "r.json", "TRAINSENSE_OUTPUT: 'r.json' is not FORMAT=PATH"),
        ("OUTPUT", "json=no/r.json", "TRAINSENSE_OUTPUT 'json=no/r.json' cannot be written: there is no folder no"),
        ("BASELINE", "no.json", "TRAINSENSE_BASELINE: There is no saved report 'no.json'"),
    ],
)
def test_what_is_wrong_names_its_variable(
    name: str, value: str, message: str, core: Core, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TRAINSENSE_{name}", value)
    ended = run_cli("diagnose", "w.py")
    assert (ended.status, ended.out, core.request) == (2, "", None)
    assert message in ended.err


def test_an_unknown_variable_is_told_once_and_stops_nothing(
    asked: Asked, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where progress is not wanted; an empty one is not set."""
    monkeypatch.setenv("TRAINSENSE_FAILON", "never")
    monkeypatch.setenv("TRAINSENSE_EMPTY", "")
    monkeypatch.setenv("TRAINSENSE_QUIET", "1")
    assert asked("diagnose")
    ended = run_cli("diagnose", "w.py")
    warning = "Warning: TRAINSENSE_FAILON is not a setting and is not used; the nearest is TRAINSENSE_FAIL_ON."
    assert ended.err.count("TRAINSENSE") == 2
    assert warning in ended.err
    assert "TRAINSENSE" not in ended.out
