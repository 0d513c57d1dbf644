"""Norms behind the sum: drawn where deep, with large branches, and without warmup."""

from typing import Any

import pytest
import torch

from tests.looking import findings
from tests.rules.architecture.digits import blocks, on_digits, serious
from tests.rules.evidence import drawn, quiet
from trainsense.records.evidence import Architecture, PlainStack, ResidualSum, WarmStart
from trainsense.records.location import Location

RULE = "post-norm-residual"
SGD: dict[str, Any] = {"optimizer": lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9), "lr": 0.1}


def architecture(count: int, contribution: float | None = 1.4, **others: Any) -> Architecture:
    sums = tuple(
        ResidualSum(
            location=Location(module=f"blocks.{index}"),
            branch_end=f"blocks.{index}.second.weight",
            placement="post-norm",
            norm_in_branch=False,
            norm_behind=True,
            contribution=contribution,
            follows=index - 1 if index else None,
        )
        for index in range(count)
    )
    return Architecture(**{"sums": sums, "stack": None, "batch_norms": (), "warmup_steps": 0, **others})


def warm(loss: float = 2.3, lr: float = 1e-3) -> WarmStart:
    return WarmStart(lr=lr, users=True, steps=30, initial_loss=2.5, loss=loss, constant_loss=2.3, failed="")


def test_deep_without_warmup_is_drawn() -> None:
    """Twenty-four blocks; the finding names block and line of the sum."""
    found = findings(on_digits(lambda: blocks(24, "behind"), **SGD))[RULE]
    assert found.severity == "warning"
    assert found.evidence["post_norm_sums"] == 24
    assert found.locations[0].module == "1"
    assert found.locations[0].file.endswith("digits.py")


@pytest.mark.parametrize("place", ["before", "within"])
def test_the_norm_before_the_branch_or_within_is_not(place: str) -> None:
    """Neither with a norm behind the last sum."""
    found = findings(on_digits(lambda: blocks(24, place, norm_at_end=True), **SGD))
    assert RULE not in found
    assert not serious(found)


def test_with_warmup_or_shallow_it_is_a_note() -> None:
    """Worth knowing, nothing to do."""
    warmed = on_digits(lambda: blocks(24, "behind"), schedule=lambda step: min(1.0, (step + 1) / 100), **SGD)
    assert findings(warmed)[RULE].severity == "note"
    assert findings(on_digits(lambda: blocks(4, "behind")))[RULE].severity == "note"


def test_the_judge() -> None:
    """Count, what is left, warmup, lr and the warm start each decide."""
    assert drawn(RULE, architecture(12), warm()).severity == "warning"
    assert drawn(RULE, architecture(11), warm()).severity == "note"
    assert drawn(RULE, architecture(24, 0.25), warm()).severity == "note"
    assert drawn(RULE, architecture(24, None), warm()).severity == "note"
    assert drawn(RULE, architecture(24, warmup_steps=50), warm()).severity == "note"
    assert drawn(RULE, architecture(24), warm(loss=2.0)).severity == "note"
    assert drawn(RULE, architecture(24, adaptive=True), warm(lr=1e-4)).severity == "note"
    assert drawn(RULE, architecture(24, adaptive=False), warm(lr=1e-4)).severity == "warning"
    assert drawn(RULE, architecture(24)).severity == "warning"
    quiet(RULE, architecture(0))


def test_inputs_forgotten_in_the_warm_start_decide() -> None:
    """Whatever the branches add, but not where there is a warmup or few sums."""
    stack = PlainStack(layers=("first", "last"), norms=24, last_varying=0.02)
    forgotten: dict[str, Any] = {"stack": stack, "warmed_varying": 1e-8}
    assert "has happened" in drawn(RULE, architecture(24, 0.25, **forgotten), warm()).detail
    assert drawn(RULE, architecture(24, 0.25, **forgotten), warm()).severity == "warning"
    assert drawn(RULE, architecture(8, 0.25, **forgotten), warm()).severity == "note"
    assert drawn(RULE, architecture(24, 0.25, warmup_steps=9, **forgotten), warm()).severity == "note"
    assert drawn(RULE, architecture(24, 0.25, stack=stack, warmed_varying=1e-3), warm()).severity == "note"
