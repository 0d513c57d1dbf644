"""Percentiles and outliers of gradient norms."""

import math

import numpy as np
import pytest

from tests.measure.synthetic import trace
from trainsense.measure.gradient_norms import clipped_fractions, norm_percentiles, outlier_steps


def test_percentiles_are_numpys_and_ignore_what_is_not_finite() -> None:
    """At 25, 50, 75, 90 and 99."""
    norms = np.random.default_rng(0).lognormal(size=300)
    spoilt = np.concatenate([norms, [math.nan, math.inf]])
    found = norm_percentiles(spoilt)
    assert found is not None
    assert found.steps == 300
    assert list(found.over_all.values()) == pytest.approx(np.percentile(norms, [25, 50, 75, 90, 99]).tolist())
    assert found.used == "all"


@pytest.mark.parametrize(("count", "assessable"), [(49, False), (50, True)])
def test_fewer_than_fifty_are_not_assessable(count: int, *, assessable: bool) -> None:
    """At the limit."""
    assert (norm_percentiles(np.ones(count)) is not None) == assessable


def test_an_early_transient_does_not_set_the_threshold() -> None:
    """A fifth of the run orders of magnitude above the rest."""
    found = norm_percentiles(np.concatenate([np.full(40, 1000.0), np.ones(160)]))
    assert found is not None
    assert found.used == "last half"
    assert found.values[90] == 1
    assert found.over_all[90] == 1000


def test_clipped_fractions() -> None:
    """Over all steps, and without the first tenth."""
    assert clipped_fractions(trace(100, clipped=[1.0] * 10 + [0.0] * 90)) == (0.1, 0.0)
    assert clipped_fractions(trace(0)) == (0.0, 0.0)


def autoregressive(
    random: np.random.Generator, memory: float, steps: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return standard AR(1) noise."""
    values = np.empty(steps)
    value = random.standard_normal()
    for step in range(steps):
        value = memory * value + math.sqrt(1 - memory**2) * random.standard_normal()
        values[step] = value
    return values


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("spread", [0.1, 0.3, 1.0])
def test_noise_gives_hardly_any_alarm(memory: float, spread: float) -> None:
    """At most one in a thousand steps of lognormal noise, whatever its memory."""
    random = np.random.default_rng(7)
    alarms = sum(len(outlier_steps(np.exp(spread * autoregressive(random, memory, 300)))) for _ in range(20))
    assert alarms <= 6


def test_normal_noise_gives_hardly_any_alarm() -> None:
    """Norms that vary by 10 %."""
    random = np.random.default_rng(3)
    assert sum(len(outlier_steps(1 + 0.1 * random.standard_normal(300))) for _ in range(20)) <= 6


@pytest.mark.parametrize("step", [30, 31, 150, 299])
def test_a_planted_outlier_is_found(step: int) -> None:
    """At its step, from the first tenth on."""
    norms = np.exp(0.2 * np.random.default_rng(0).standard_normal(300))
    norms[step] *= 50
    assert step in outlier_steps(norms)


def test_what_is_no_outlier() -> None:
    """The first tenth, a change of level, a decay, a constant, an update that a gradient scaler left out."""
    noise = np.exp(0.1 * np.random.default_rng(0).standard_normal(300))
    early, level, scaled = noise.copy(), noise.copy(), noise.copy()
    early[5] = 1000
    level[200:] *= 100
    scaled[100] = math.inf
    for norms in (early, level, noise * np.geomspace(100, 1, 300), np.ones(300), scaled, np.full(300, math.nan)):
        assert len(outlier_steps(norms)) <= 1
    assert outlier_steps(scaled) == outlier_steps(np.ones(0)) == outlier_steps(np.ones(5)) == []
    assert outlier_steps(np.zeros(100)) == []
