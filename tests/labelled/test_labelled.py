"""Preflight's exam: every fault is named, every sound workload left in peace."""

import pytest

from tests.labelled.case import Case
from tests.labelled.cases import CASES
from tests.labelled.verdicts import verdict_on


def test_names_are_unique() -> None:
    """A case is known by its name."""
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.faulty], ids=lambda case: case.name)
def test_a_fault_is_named(case: Case) -> None:
    """By one of the rules that count, as an error or a warning."""
    verdict = verdict_on(case)
    assert verdict.named, f"said {dict(verdict.said)}, notes {verdict.notes}; meant {case.rules}"


@pytest.mark.parametrize("case", [case for case in CASES if not case.faulty], ids=lambda case: case.name)
def test_a_sound_workload_is_left_in_peace(case: Case) -> None:
    """Notes are allowed, nothing worse."""
    assert verdict_on(case).said == {}
