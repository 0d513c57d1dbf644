"""Which rules the user wants to hear of, by the names that there are."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from trainsense.errors import OptionError
from trainsense.records.selection import Selection
from trainsense.rules import RULES

RULE_NAMES: Final = tuple(rule.name for rule in RULES)


def selection_of(
    select: Iterable[str], ignore: Mapping[str, str], *, selected_by: str = "select", ignored_by: str = "ignore"
) -> Selection:
    """Return which rules count, after checking that they exist.

    Args:
        select: names of the rules that count; none for all.
        ignore: names of rules to set aside, each with the reason, which may be empty.
        selected_by: what the user set to select, for messages: `--select`.
        ignored_by: likewise, to ignore.

    Raises:
        OptionError: a name is no rule's; the message names the nearest.
    """
    chosen = tuple(dict.fromkeys(check_rule(name.strip(), selected_by) for name in select))
    set_aside = {check_rule(name.strip(), ignored_by): reason.strip() for name, reason in ignore.items()}
    return Selection(select=chosen, ignore=set_aside)


def check_rule(name: str, called: str) -> str:
    """Return the name of a rule.

    Raises:
        OptionError: there is no such rule; the message names the nearest.
    """
    if name in RULE_NAMES:
        return name
    msg = f"{called} names the rule {name!r}, which does not exist; the nearest is {nearest(name, RULE_NAMES)}. "
    msg += "`trainsense explain` lists the rules."
    raise OptionError(msg)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the one of `names` that is closest to `name`, in any case.

    >>> nearest("dead-rleu", ["lr-too-low", "dead-relu"])
    'dead-relu'
    """
    lowered = {candidate.lower(): candidate for candidate in names}
    return lowered[get_close_matches(name.lower(), lowered, n=1, cutoff=0.0)[0]]


def ignored_rules(texts: Iterable[str]) -> dict[str, str]:
    """Return the reason by rule of texts `RULE` or `RULE=reason`; of a rule named twice, the last reason.

    Commas separate rules, never a reason:

    >>> ignored_rules(["dead-relu=frozen, by design", "lr-too-low,lr-too-high"])
    {'dead-relu': 'frozen, by design', 'lr-too-low': '', 'lr-too-high': ''}
    """
    reasons = {}
    for text in texts:
        names, _, reason = text.partition("=")
        reasons.update(dict.fromkeys(rule_names([names]), reason.strip()))
    return reasons


def rule_names(texts: Iterable[str]) -> list[str]:
    """Return the names in texts that hold one or several, with commas between them; an empty text stays one, to be refused.

    >>> rule_names(["dead-relu, lr-too-low,", "lr-too-high"])
    ['dead-relu', 'lr-too-low', 'lr-too-high']
    """
    names = []
    for text in texts:
        names += [part.strip() for part in text.split(",") if part.strip()] or [text.strip()]
    return names
