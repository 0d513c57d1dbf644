"""The rules and their pages on their way to standard output."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, TextIO

from trainsense import __version__
from trainsense.cli.choice import check_choice
from trainsense.cli.streams import deliver, report_stream
from trainsense.errors import OptionError
from trainsense.records.fix import FIX_NAMES
from trainsense.reporters.ascii_text import encodable
from trainsense.reporters.console import stream_width, wants_color
from trainsense.reporters.rule_pages.json import json_of_rules
from trainsense.reporters.rule_pages.markdown import page_of_rule, table_of_rules
from trainsense.rules import RULES, Rule

FORMATS: Final = ("text", "json", "markdown")
FAINT_LIKENESS: Final = 0.4
"""How alike names must be to be guessed at; difflib's own 0.6 leaves `clip` and `softmax` without a guess."""


def explain(name: str | None, format_name: str) -> None:
    """Write the list of rules, or the page of one.

    Args:
        name: a rule, or None for all of them.
        format_name: one of `FORMATS`.

    Raises:
        OptionError: there is no such rule or format; the message names the nearest.
        CannotRunError: standard output cannot take it.
    """
    check_choice("--format", format_name, FORMATS)
    rule = None if name is None else rule_named(name)
    with report_stream() as stream:
        text = _text(rule, format_name, stream)
        deliver(lambda out: out.write(f"{text}\n"), stream)


def rule_named(name: str) -> Rule:
    """Return the rule of this name.

    Raises:
        OptionError: there is none; the message names the nearest, or the rules that offer the fix of this name.
    """
    found = next((rule for rule in RULES if rule.name == name), None)
    if found is not None:
        return found
    asked = name.strip().lower().replace("_", "-").replace(" ", "-")
    if asked in FIX_NAMES:
        offering = ", ".join(rule.name for rule in RULES if asked in rule.fixes)
        where = f"Rules that offer it: {offering}." if offering else "No finding of this version offers it."
        msg = f"{name!r} is a fix, not a rule. {where}"
        raise OptionError(msg)
    close = _nearest(asked)
    guess = f"Did you mean {' or '.join(close)}?" if close else "None has a name like it."
    msg = f"There is no rule {name!r}. {guess} All of them: trainsense explain."
    raise OptionError(msg)


def _nearest(name: str) -> Sequence[str]:
    names = [rule.name for rule in RULES]
    containing = [one for one in names if name and name in one]
    return containing[:3] or get_close_matches(name, names, n=1, cutoff=FAINT_LIKENESS)


def _text(rule: Rule | None, format_name: str, stream: TextIO) -> str:
    if format_name == "json":
        return json_of_rules(RULES if rule is None else [rule], __version__)
    encoding, color = getattr(stream, "encoding", None), wants_color(stream)
    if format_name == "markdown" or not (stream.isatty() or color):
        plain = _plain(rule) if format_name == "text" else _markdown(rule)
        return encodable(plain, encoding)
    # Here and not above: pipes must not wait for what renders markdown.
    from trainsense.reporters.rule_pages.text import text_of_rule, text_of_rules  # noqa: PLC0415

    width = stream_width(stream)
    if rule is None:
        return text_of_rules(RULES, width=width, color=color, encoding=encoding)
    return text_of_rule(rule, width=width, color=color, encoding=encoding)


def _markdown(rule: Rule | None) -> str:
    return table_of_rules(RULES) if rule is None else page_of_rule(rule)


def _plain(rule: Rule | None) -> str:
    """One line for each rule, so that `grep` finds it whole."""
    if rule is not None:
        return page_of_rule(rule)
    width = max(len(one.name) for one in RULES)
    lines = []
    for family in dict.fromkeys(one.family for one in RULES):
        members = [f"  {one.name:<{width}}  {one.summary}" for one in RULES if one.family == family]
        lines.extend([f"{family}:", *members, ""])
    return "\n".join([*lines, "One rule's page: trainsense explain RULE"])
