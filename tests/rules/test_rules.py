"""Each rule: evidence that must draw it, and near misses that must not."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.measure.synthetic import trace
from tests.rules.evidence import (
    BEST,
    DROP,
    FALLING,
    STEPS,
    check,
    drawn,
    event,
    gain,
    good,
    judged,
    open_,
    quiet,
    setup,
    sweep,
    tried,
    user,
)
from trainsense.records.evidence import (
    Architecture,
    Drop,
    Evidence,
    LearningRateSweep,
    NormBatch,
    PlainStack,
    SweepPoint,
    UserSetting,
)
from trainsense.records.finding import Finding, NotAssessed
from trainsense.records.outcome import Crashed, Diverged
from trainsense.records.run import Run
from trainsense.rules import RULES

NAN = Diverged(reason="non-finite-loss", step=7, value=math.nan)
ARCHITECTURE = Architecture(
    sums=(),
    stack=PlainStack(layers=("first", "last"), norms=1, narrowest=48),
    batch_norms=(NormBatch(module="norm", examples=32, values=32, independent=32.0),),
    warmup_steps=0,
)
UNKNOWN = replace(DROP, best=2.0)


def failed(lr: float, seed: int = 0, outcome: Diverged | Crashed = NAN) -> Run:
    """Return a run that stopped at step 7."""
    return replace(good(lr, seed), outcome=outcome, score=None, trace=trace(8, loss=FALLING, grad_norm=np.ones(8)))


def failing_user(lr: float) -> UserSetting:
    """Return a user whose every run diverges."""
    return user(
        lr,
        [failed(lr, seed) for seed in range(3)],
        infeasible=("non-finite-loss",) * 3,
        against_best=gain(1.5, 3, baseline_failed=[True] * 3),
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_healthy_workload_draws_nothing(rule: object) -> None:
    """With everything measured; and without any evidence every rule says that it could not look."""
    everything: list[Evidence] = [setup(), sweep(), user(), check(), tried(against_lower_lr=gain(0.0)), ARCHITECTURE]
    said = rule(everything)  # type: ignore[operator]
    assert not isinstance(said, Finding), said
    assert isinstance(rule([]), NotAssessed)  # type: ignore[operator]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_claims_anything_where_nothing_is_known(rule: object) -> None:
    """No lr trained, D unknown: nothing but what needs neither may speak."""
    unknown = sweep(drop=UNKNOWN, best_lr=None, best_range=None, edge_lr=None, unstable_lr=None, reference_gap=None)
    everything: list[Evidence] = [setup(), unknown, user(against_best=None)]
    assert not isinstance(rule(everything), Finding)  # type: ignore[operator]


def test_non_finite_data() -> None:
    """One value is enough; none is none."""
    found = drawn("non-finite-data", setup(non_finite=((3, "batch[0]", 2),)))
    assert found.severity == "error"
    assert "batch[0]" in found.title
    quiet("non-finite-data", setup())


def test_not_deterministic() -> None:
    """A note where only kernels differ; unstated causes are no error of ours."""
    other = {"deterministic": False, "first_difference": 3, "likely_causes": ("two calls differ",)}
    assert drawn("not-deterministic", setup(**other, difference=0.1)).severity == "warning"
    assert drawn("not-deterministic", setup(**other, difference=1e-4)).severity == "note"
    assert "two calls differ" in drawn("not-deterministic", setup(**other, difference=0.1)).detail
    quiet("not-deterministic", setup(difference=1e-9))


def test_non_finite_loss() -> None:
    """At the user's lr or below lr*; not far above, where failing is what the sweep looks for."""
    found = drawn("non-finite-loss", sweep(), failing_user(1.0))
    assert found.severity == "error"
    assert "step 7" in found.title
    quiet("non-finite-loss", sweep(), user())
    exploded = Diverged(reason="loss-explosion", step=7, value=1e9)
    quiet("non-finite-loss", sweep(), user(1.0, [failed(1.0, outcome=exploded)], infeasible=("loss-explosion",)))
    crashed = Crashed(reason="exception", step=7, message="ValueError: no")
    quiet("non-finite-loss", sweep(), user(1.0, [failed(1.0, outcome=crashed)], infeasible=("exception",)))


def test_non_finite_loss_everywhere() -> None:
    """It is not the learning rate then, and the data is named where it is to blame."""
    points = tuple(SweepPoint(lr=lr, runs=(failed(lr),), infeasible=("non-finite-loss",)) for lr in (1e-7, 1e-3))
    nothing = sweep(points=points, scores=(math.inf, math.inf), best_lr=None, best_range=None, drop=UNKNOWN)
    found = drawn("non-finite-loss", nothing)
    assert "1e-07" in found.title
    assert found.fixes
    assert "lower-lr" not in found.fixes
    assert "non-finite-data" in drawn("non-finite-loss", nothing, setup(non_finite=((0, "batch", 1),))).detail


def test_input_collapse() -> None:
    """Most seeds without a gap, above lr*; a single seed, or a small gap below lr*, is none."""
    stuck = [good(1.0, seed, shuffle_gap=0.0001, score=1.99) for seed in range(3)]
    assert drawn("input-collapse", sweep(), user(1.0, stuck, against_best=gain(1.4, 3))).severity == "error"
    quiet("input-collapse", sweep(), user(1.0, [*stuck[:1], good(1.0, 1), good(1.0, 2)]))
    quiet("input-collapse", sweep(), user())
    slow = [good(1e-4, seed, shuffle_gap=0.0001, score=1.99) for seed in range(3)]
    quiet("input-collapse", sweep(), user(1e-4, slow, against_best=gain(1.4, 3)))


def test_input_collapse_where_nothing_learns_but_for_a_fix() -> None:
    """An error by the proof that something can be learnt; without one it stays open."""
    flat = sweep(drop=Drop(initial=560.0, trivial=2.3, best=3.0, standard_error=0.1))
    found = drawn("input-collapse", flat, user(), tried("normalize-inputs"))
    assert found.severity == "error"
    assert found.fixes == ("normalize-inputs",)
    assert "predicting the same for every input gives 2.3" in found.detail
    assert "raise --steps" in open_("input-collapse", flat, user())
    quiet("input-collapse", sweep(), user(), tried())


def test_early_instability() -> None:
    """An error where the user suffers, a warning where taming it pays near lr*, else a note."""
    assert drawn("early-instability", sweep(), check((2.0, event()))).severity == "note"
    assert drawn("early-instability", sweep(), check((2.0, event())), tried()).severity == "warning"
    assert drawn("early-instability", sweep(), check((2.0, None), (10.0, event())), tried()).severity == "note"
    hurt = user(1.0, event=event(), against_best=gain(0.8, 3))
    assert drawn("early-instability", sweep(), check(), hurt).severity == "error"
    quiet("early-instability", sweep(), check((2.0, None), (5.0, None)), user())
    quiet("early-instability", sweep(), check((2.0, event("mid", onset_step=60))))
    assert "raise --steps" in open_("early-instability", sweep(drop=UNKNOWN), check((2.0, event())))


def test_a_harmless_rise_is_no_warning() -> None:
    """The fix was tried and bought nothing."""
    quiet_gain = tried(against_lower_lr=gain(0.0))
    assert drawn("early-instability", sweep(), check((2.0, event())), quiet_gain).severity == "note"
    assert (
        drawn("early-instability", sweep(), check((2.0, event())), user(event=event(recovered=True))).severity == "note"
    )


def test_mid_training_instability() -> None:
    """After a steady decline; clipping first."""
    late = event("mid", onset_step=60, recovered=True, recovery_steps=9)
    found = drawn("mid-training-instability", sweep(), check((2.0, late)))
    assert found.fixes[0] == "clip-grad-norm"
    assert "9 steps" in found.detail
    quiet("mid-training-instability", sweep(), check((2.0, event())))
    quiet("mid-training-instability", sweep(), check((2.0, None)))


def norms(outlier: float) -> Run:
    """Return a run with one gradient norm far above the rest at step 60, after which the probe loss rises."""
    base = np.exp(0.1 * np.random.default_rng(0).standard_normal(STEPS))
    base[60] *= outlier
    probe = FALLING.copy()
    if outlier > 10:
        probe[61:80] += 0.4
    made = good()
    return replace(made, trace=replace(made.trace, grad_norm=base, probe_loss=probe))


def test_gradient_outliers() -> None:
    """One that the loss suffers from; neither a harmless one nor noise."""
    found = drawn("gradient-outliers", sweep(), user(runs=[norms(100.0)]))
    assert found.severity == "note"
    assert found.evidence["steps"] == [60]
    assert drawn("gradient-outliers", sweep(), user(runs=[norms(100.0)]), tried("clip-grad-norm")).severity == "warning"
    quiet("gradient-outliers", sweep(), user(runs=[norms(1.0)]))
    harmless = norms(100.0)
    harmless = replace(harmless, trace=replace(harmless.trace, probe_loss=FALLING))
    quiet("gradient-outliers", sweep(), user(runs=[harmless]))


def test_lr_too_high() -> None:
    """It fails, or ends well above and outside the range; not inside the range, not by a hair, not on one lucky seed."""
    assert drawn("lr-too-high", sweep(), failing_user(10.0)).severity == "error"
    assert drawn("lr-too-high", sweep(), user(0.5, against_best=gain(0.6, 3))).severity == "error"
    assert drawn("lr-too-high", sweep(), user(0.5, against_best=gain(0.2, 3))).severity == "warning"
    quiet("lr-too-high", sweep(), user(0.5, against_best=gain(0.09, 3)))
    quiet("lr-too-high", sweep(), user(0.2, against_best=gain(0.2, 3)))
    quiet("lr-too-high", sweep(), user(0.001, against_best=gain(0.6, 3)))
    open_("lr-too-high", sweep(), user(0.5, against_best=gain(0.2, 1)))
    open_("lr-too-high", sweep(), user(0.5, against_best=gain(0.2, 3, spread=0.5)))


def test_lr_too_low() -> None:
    """The mirror image; a note where the gap closes and the run is long."""
    low: dict[str, Any] = {"against_best": gain(0.3, 3), "half_horizon_gap": 0.3, "horizon_gap": 0.3}
    assert drawn("lr-too-low", sweep(), user(0.001, **low)).severity == "warning"
    assert drawn("lr-too-low", sweep(), user(0.001, **{**low, "against_best": gain(0.9, 3)})).severity == "error"
    closing = {**low, "half_horizon_gap": 0.9, "max_train_steps": 100_000}
    assert drawn("lr-too-low", sweep(), user(0.001, **closing)).severity == "note"
    quiet("lr-too-low", sweep(), user(0.5, against_best=gain(0.6, 3)))
    quiet("lr-too-low", sweep(), user(0.06, against_best=gain(0.3, 3)))
    quiet("lr-too-low", sweep(), user(0.001, against_best=gain(0.05, 3)))


def test_best_lr_at_edge() -> None:
    """The next grid point fails; a note by itself, a warning where a fix pays."""
    edge = sweep(unstable_lr=0.215443)
    assert drawn("best-lr-at-edge", edge).severity == "note"
    assert drawn("best-lr-at-edge", edge, tried()).severity == "warning"
    assert drawn("best-lr-at-edge", edge, tried(against_lower_lr=gain(0.0))).severity == "note"
    assert drawn("best-lr-at-edge", sweep(), check(unstable_lr=0.2)).severity == "note"
    quiet("best-lr-at-edge", sweep(unstable_lr=0.464159))
    quiet("best-lr-at-edge", sweep(unstable_lr=None))


def wavy(height: float, *, alternating: bool = True) -> Run:
    """Return a run whose probe loss goes up and down from step to step."""
    sign = np.where(np.arange(STEPS) % 2, 1.0, -1.0) if alternating else np.sin(np.arange(STEPS) / 8)
    made = good(1.0)
    return replace(made, trace=replace(made.trace, probe_loss=1.5 + height * sign))


def test_oscillating_loss() -> None:
    """From step to step, by a share of D that matters, and at a price."""
    priced = gain(0.3, 3)
    assert drawn("oscillating-loss", sweep(), user(1.0, [wavy(0.3)], against_best=priced)).severity == "warning"
    quiet("oscillating-loss", sweep(), user(1.0, [wavy(0.01)], against_best=priced))
    quiet("oscillating-loss", sweep(), user(1.0, [wavy(0.3, alternating=False)], against_best=priced))
    quiet("oscillating-loss", sweep(), user(1.0, [wavy(0.3)], against_best=gain(0.05, 3)))
    quiet("oscillating-loss", sweep(), user())
    open_("oscillating-loss", sweep(), failing_user(1.0))


def clipped(share: float) -> list[Run]:
    """Return runs with a share of clipped steps."""
    made = good()
    steps = np.arange(STEPS) < share * STEPS
    return [replace(made, trace=replace(made.trace, clipped=steps.astype(np.float64)))]


def test_clip_too_aggressive() -> None:
    """Shown harm: most steps clipped and a larger threshold gains; clipping alone is none."""
    setting: dict[str, Any] = {"clip_norm": 0.1, "larger_clip_norm": 2.0}
    found = drawn("clip-too-aggressive", user(runs=clipped(0.9), larger_clip=gain(0.3), **setting))
    assert found.severity == "warning"
    assert "90%" in found.title
    quiet("clip-too-aggressive", user(runs=clipped(0.9), clip_norm=0.1))
    quiet("clip-too-aggressive", user(runs=clipped(0.9), larger_clip=gain(-0.3), **setting))
    quiet("clip-too-aggressive", user())
    assert "2" in open_("clip-too-aggressive", user(runs=clipped(0.9), larger_clip=gain(0.3, 3), **setting))


def test_warmup_too_long() -> None:
    """More than a tenth of the run, and a shorter one does as well; both."""
    setting: dict[str, Any] = {"warmup_steps": 300, "warmup_share": 0.3, "max_train_steps": 1000}
    assert drawn("warmup-too-long", user(shorter_warmup=gain(0.2), **setting)).severity == "warning"
    assert drawn("warmup-too-long", user(shorter_warmup=gain(0.0), **setting)).severity == "note"
    quiet("warmup-too-long", user(shorter_warmup=gain(-0.2), **setting))
    quiet("warmup-too-long", user(shorter_warmup=gain(0.2), **{**setting, "warmup_share": 0.1}))
    quiet("warmup-too-long", user())
    open_("warmup-too-long", user(**setting))
    assert "max_train_steps" in open_("warmup-too-long", user(**{**setting, "warmup_share": None}))


def attentive(first: float, last: float) -> list[Run]:
    """Return runs with attention logits every 5 %."""
    logits = np.full(STEPS, math.nan)
    logits[::5] = np.geomspace(first, last, STEPS // 5)
    made = good()
    return [replace(made, trace=replace(made.trace, attention_logit=logits))]


def test_attention_logits_growing() -> None:
    """Beyond 100, 1,000 and 10,000; a start that was as high is no growth."""
    rule = "attention-logits-growing"
    severities = [drawn(rule, user(runs=attentive(2.0, last))).severity for last in (200.0, 2e3, 2e4)]
    assert severities == ["note", "warning", "error"]
    quiet(rule, user(runs=attentive(2.0, 90.0)))
    quiet(rule, user(runs=attentive(500.0, 600.0)))
    quiet(rule, user())


def test_findings_name_known_fixes_and_carry_numbers() -> None:
    """CONTRACT 5."""
    known = {
        "lower-lr", "raise-lr", "clip-grad-norm", "warmup", "clip-and-warmup", "change-optimizer", "decay-lr",
        "warm-restart", "larger-batch", "smaller-batch", "gradient-noise", "reinitialize", "zero-init-residual",
        "pre-norm", "add-normalization", "add-residual", "replace-activation", "normalize-inputs", "remove-softmax",
        "optimize-all-parameters", "qk-norm", "z-loss",
    }  # fmt: skip
    edge: LearningRateSweep = sweep(unstable_lr=0.215443)
    everything: list[Evidence] = [
        setup(non_finite=((0, "batch", 1),), deterministic=False, first_difference=1, difference=0.1),
        edge,
        failing_user(1.0),
        check((2.0, event()), (5.0, event("mid")), unstable_lr=0.2),
        tried(),
    ]
    findings = [one for one in (rule(everything) for rule in RULES) if isinstance(one, Finding)]
    assert len(findings) >= 7
    for finding in findings:
        assert set(finding.fixes) <= known
        assert finding.evidence
        assert not finding.title.endswith(".")
    assert judged("lr-too-high", *everything).rule == "lr-too-high"
    assert edge.best_lr == BEST
