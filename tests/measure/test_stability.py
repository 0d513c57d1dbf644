"""Events on curves made by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.measure.synthetic import run
from trainsense.measure.stability import drawdowns, event_threshold, find_event, largest_drawdown
from trainsense.records.evidence.instability import Event
from trainsense.records.outcome import Diverged
from trainsense.records.run import Run

STEPS = np.arange(200.0)
FALLING = 0.2 + 2 * np.exp(-STEPS / 30)
DROP = 2.0


def event(what: Run, *, collapsed: bool = False, after: int = 0) -> Event | None:
    """Look for an event at the uncalibrated threshold."""
    return find_event(what, drop=DROP, threshold=event_threshold(None), collapsed=collapsed, after=after)


def bump(at: int, height: float, width: int = 10) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the falling curve with a smooth rise."""
    return FALLING + height * np.exp(-(((STEPS - at) / width) ** 2))


def test_a_steady_decline() -> None:
    """Is none, with a little noise or without."""
    assert event(run(FALLING)) is None
    assert event(run(FALLING + 0.01 * np.random.default_rng(0).standard_normal(200))) is None


def test_a_noisy_plateau() -> None:
    """Ten seeds of noise of 2 % of D on a level curve draw nothing."""
    for seed in range(10):
        level = 1.0 + 0.04 * np.random.default_rng(seed).standard_normal(200)
        assert event(run(level)) is None


def test_an_early_spike_that_recovers() -> None:
    """Early, a rise, and how long it took."""
    found = event(run(bump(8, 1.5, 4)))
    assert found is not None
    assert (found.kind, found.cause, found.recovered) == ("early", "rise", True)
    assert found.onset_step < 8
    assert found.recovery_steps is not None
    assert 3 < found.recovery_steps < 40


def test_a_late_spike_that_recovers() -> None:
    """Mid-training."""
    found = event(run(bump(120, 1.0)))
    assert found is not None
    assert (found.kind, found.recovered) == ("mid", True)
    assert 95 < found.onset_step < 120
    assert found.peak == pytest.approx(1.2, abs=0.1)
    assert found.drawdown == pytest.approx(0.5, abs=0.1)


def test_a_late_rise_that_stays() -> None:
    """Not recovered."""
    found = event(run(np.where(STEPS < 120, FALLING, 1.5)))
    assert found is not None
    assert (found.kind, found.recovered, found.recovery_steps) == ("mid", False, None)


@pytest.mark.parametrize(("step", "kind"), [(10, "early"), (150, "mid")])
def test_a_divergence(step: int, kind: str) -> None:
    """Even without a rise in sight before it."""
    outcome = Diverged(reason="non-finite-loss", step=step - 1, value=math.nan)
    found = event(replace(run(FALLING[:step], steps=200), outcome=outcome, score=None))
    assert found is not None
    assert (found.kind, found.cause, found.recovered) == (kind, "divergence", False)
    assert found.peak == found.drawdown == math.inf


def test_a_divergence_at_the_first_step() -> None:
    """With nothing measured at all."""
    outcome = Diverged(reason="non-finite-loss", step=0, value=math.nan)
    found = event(replace(run([math.nan], steps=200), outcome=outcome, score=None))
    assert found is not None
    assert (found.kind, found.onset_step) == ("early", 0)


def test_a_collapse() -> None:
    """A level that no rise shows."""
    found = event(run(np.full(200, 2.3)), collapsed=True)
    assert found is not None
    assert (found.kind, found.cause, found.recovered) == ("early", "collapse", False)


def test_a_spike_that_is_small_against_the_drop() -> None:
    """From 0.02 to 0.25 is 11 % of D and an event; from 1e-4 to 3e-4 is none."""
    low = 2 * np.exp(-STEPS / 20) + 0.02
    low[150:153] = 0.25
    found = event(run(low))
    assert found is not None
    assert (found.cause, found.recovered) == ("spike", True)
    tiny = 2 * np.exp(-STEPS / 10) + 1e-4
    tiny[150:153] = 4e-4
    assert event(run(tiny)) is None


def test_only_what_follows_a_warmup_counts() -> None:
    """If one says so."""
    curve = bump(15, 1.5, 4)
    assert event(run(curve)) is not None
    assert event(run(curve), after=30) is None


def test_negative_losses() -> None:
    """Shares of D need no sign."""
    assert event(run(FALLING - 50)) is None
    assert event(run(bump(120, 1.0) - 50)) is not None


def test_nothing_measured() -> None:
    """Shows nothing."""
    assert event(run(np.full(50, math.nan))) is None
    assert largest_drawdown(np.full(3, math.nan), 1.0) == 0
    assert largest_drawdown(np.array([1.0, math.inf]), 1.0) == math.inf


def test_drawdowns_are_never_negative() -> None:
    """And zero where the curve falls."""
    values = np.random.default_rng(0).standard_normal(50)
    assert (drawdowns(values) >= 0).all()
    assert (drawdowns(np.sort(values)[::-1]) == 0).all()
