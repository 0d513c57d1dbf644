"""Branches that contribute from the start: worth a note."""

from tests.looking import findings
from tests.rules.architecture.digits import blocks, on_digits

RULE = "residual-not-zero-init"


def test_full_branches_are_noted() -> None:
    """Four or more."""
    assert findings(on_digits(lambda: blocks(4, "before")))[RULE].severity == "note"


def test_zeroed_few_or_post_norm_branches_are_not() -> None:
    """Nothing to gain there."""
    assert RULE not in findings(on_digits(lambda: blocks(8, zero=True)))
    assert RULE not in findings(on_digits(lambda: blocks(3, "before")))
    assert RULE not in findings(on_digits(lambda: blocks(5, "behind")))
