"""What an exponential range test says, on curves made by hand."""

import math

import numpy as np
import pytest

from trainsense.measure.bracket import read_bracket

LR = np.geomspace(1e-7, 1e2, 100)


def curve(
    best: float, divergence: float, *, start: float = 2.0, floor: float = 0.5
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return a loss that falls up to `best` and explodes from `divergence` on."""
    fallen = 1 / (1 + (best / LR) ** 1.5)
    rise = np.where(divergence < LR, (LR / divergence) ** 4 - 1, 0.0)
    return start - (start - floor) * fallen + rise


@pytest.mark.parametrize("divergence", [1e-3, 0.1, 10.0])
def test_the_divergence_is_found(divergence: float) -> None:
    """Within a factor of three, and the gain with it."""
    found = read_bracket(LR, curve(divergence / 30, divergence))
    assert found is not None
    assert divergence / 1.5 < found.divergence_lr < 3 * divergence
    assert found.gain == pytest.approx(1.5, rel=0.1)
    assert found.start == pytest.approx(2.0, rel=0.01)


def test_an_infinite_end() -> None:
    """The first loss that is not finite is the divergence at the latest."""
    loss = curve(1e-3, 1e9)
    loss[80:] = math.nan
    found = read_bracket(LR, loss)
    assert found is not None
    assert found.divergence_lr <= LR[80]


def test_nothing_diverges() -> None:
    """Bounded losses: two decades above the last improvement, or the end."""
    found = read_bracket(LR, np.where(LR < 1e-3, 2.0, 1.0))
    assert found is not None
    assert 1e-2 < found.divergence_lr <= LR[-1]


def test_nothing_is_learnt() -> None:
    """Noise has no gain worth the name; the loss is level, or only ever rises."""
    noise = 2 + 0.1 * np.random.default_rng(0).standard_normal(100)
    found = read_bracket(LR, noise)
    assert found is not None
    assert 0 <= found.gain < 0.3
    assert math.isfinite(found.divergence_lr)
    rising = read_bracket(LR, np.where(LR > 1e-2, 1e6, 2.0))
    assert rising is not None
    assert rising.gain == pytest.approx(0, abs=1e-9)
    assert 1e-3 < rising.divergence_lr < 1


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_failure_at_once_says_nothing(length: int) -> None:
    """At learning rates that cannot matter."""
    loss = np.full(100, math.nan)
    loss[:length] = 1.0
    assert read_bracket(LR, loss) is None
    assert read_bracket(LR[:length], np.ones(length)) is None


def test_negative_losses() -> None:
    """A log-likelihood may lie below zero."""
    found = read_bracket(LR, curve(1e-3, 0.1) - 10)
    assert found is not None
    assert 0.05 < found.divergence_lr < 0.3
