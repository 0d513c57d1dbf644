"""Evidence and reports for the tests of the reporters: made up, but of the size and shape of real ones."""

import math

import numpy as np

from trainsense.records.comparison import Comparison
from trainsense.records.evidence import (
    Arm,
    ClipAttempt,
    ClipChoice,
    Drop,
    Event,
    Evidence,
    FixesTried,
    InstabilityCheck,
    InstabilityRun,
    LearningRateSweep,
    NormPercentiles,
    Prepended,
    Setup,
    SweepPoint,
    UserSetting,
    WarmupAttempt,
    WarmupSweep,
)
from trainsense.records.model_edit import EditSurvey
from trainsense.records.outcome import Completed, Diverged
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.records.trace import COLUMNS, Series, Trace
from trainsense.records.trial import Trial

L0 = 2.45
SEEDED_FROM = -5
BEST = 0.31


def trace(loss: Series, *, lr: float, probe: Series | None = None, norms: Series | None = None) -> Trace:
    """Return a trace with these losses, everything else not measured."""
    columns = {name: np.full(len(loss), np.nan) for name in COLUMNS}
    columns |= {"loss": loss, "lr": np.full(len(loss), lr), "clipped": np.zeros(len(loss))}
    if probe is not None:
        columns["probe_loss"] = probe
    if norms is not None:
        columns["grad_norm"] = norms
    return Trace(**columns)


def decay(steps: int, end: float, *, rate: float = 5.0) -> Series:
    """Return an exponential decay from L0 towards `end`."""
    return end + (L0 - end) * np.exp(-rate * np.arange(steps) / steps)


def trained(lr: float, score: float, *, seed: int = 0, steps: int = 300, warmup_steps: int = 0) -> Run:
    """Return a run that ended at `score`."""
    noise = np.random.default_rng([seed, int(1e6 * lr)])
    clean = decay(steps, score)
    loss = clean * np.exp(0.12 * noise.standard_normal(steps))
    norms = 0.4 + 1.1 * clean * np.exp(0.35 * noise.standard_normal(steps))
    norms[:8] *= np.linspace(30, 2, min(8, steps))[: len(norms[:8])]
    return Run(
        trial=Trial(lr=lr, seed=seed, steps=steps, warmup_steps=warmup_steps),
        trace=trace(loss, lr=lr, probe=clean.copy(), norms=norms),
        outcome=Completed(),
        initial_loss=L0,
        score=score,
        final_probe_loss=score,
        metrics={"accuracy": 0.9},
        seconds=1.5,
    )


def diverged(lr: float, *, seed: int = 0, at: int = 40, value: float = math.nan, warmup_steps: int = 0) -> Run:
    """Return a run that blew up at step `at`."""
    loss = decay(at + 1, 1.8)
    rise = min(12, at + 1)
    loss[-rise:] = L0 * np.exp(np.linspace(0.0, 9.0, rise))
    loss[-1] = value
    return Run(
        trial=Trial(lr=lr, seed=seed, steps=300, warmup_steps=warmup_steps),
        trace=trace(loss, lr=lr, probe=loss.copy()),
        outcome=Diverged(reason="non-finite-loss", step=at, value=value),
        initial_loss=L0,
    )


def sweep() -> LearningRateSweep:
    """Return a sweep whose best lr is one grid point below failure, one seed of which failed at the edge."""
    scores = {-9: 2.30, -8: 2.21, -7: 2.02, -6: 1.52, -5: 0.98, -4: 0.52, -3: 0.315}
    points = [
        SweepPoint(
            lr=10 ** (k / 3),
            runs=tuple(
                trained(10 ** (k / 3), score + 0.02 * seed, seed=seed) for seed in range(3 if k > SEEDED_FROM else 1)
            ),
            infeasible=(None,) * (3 if k > SEEDED_FROM else 1),
        )
        for k, score in scores.items()
    ]
    edge = 10 ** (-2 / 3)
    runs = (trained(edge, 0.33), trained(edge, 0.37, seed=1), diverged(edge, seed=2, at=120, value=math.inf))
    points.append(SweepPoint(lr=edge, runs=runs, infeasible=(None, None, "non-finite-loss")))
    for k in (-1, 0, 1):
        lr = 10 ** (k / 3)
        points.append(SweepPoint(lr=lr, runs=(diverged(lr, at=60 - 20 * k),), infeasible=("non-finite-loss",)))
    return LearningRateSweep(
        horizon=300,
        bracket=None,
        points=tuple(points),
        scores=(*scores.values(), 0.4, L0, L0, L0),
        drop=Drop(initial=L0, trivial=2.30, best=BEST, standard_error=0.01),
        best_lr=0.1,
        best_range=(10 ** (-4 / 3), 0.1),
        edge_lr=0.1,
        unstable_lr=10 ** (-1 / 3),
        best_lr_half_horizon=10 ** (-2 / 3),
        lr_sensitivity=0.51,
        stable_decades=0.67,
        reference_gap=3.2,
        reference_spread=0.8,
        seeds=3,
    )


def instability() -> InstabilityCheck:
    """Return a check with nothing at 2x, a recovered rise at 5x and a divergence at 10x."""
    calm = trained(0.2, 0.35, steps=500)
    bump = trained(0.5, 0.5, steps=500)
    bump.trace.probe_loss[14:60] += 3.0 * np.hanning(46)
    steep = diverged(1.0, at=40)
    rise = Event(kind="early", cause="rise", onset_step=14, peak=4.6, drawdown=1.1, recovered=True, recovery_steps=70)
    burst = Event(
        kind="early",
        cause="divergence",
        onset_step=28,
        peak=math.inf,
        drawdown=math.inf,
        recovered=False,
        recovery_steps=None,
    )
    return InstabilityCheck(
        horizon=500,
        runs=(
            InstabilityRun(factor=2.0, run=calm, event=None),
            InstabilityRun(factor=5.0, run=bump, event=rise),
            InstabilityRun(factor=10.0, run=steep, event=burst),
        ),
        null_runs=(trained(0.025, 0.9),),
        null_drawdown=0.03,
        threshold=0.15,
        unstable_lr=10 ** (-1 / 3),
    )


def clip() -> ClipChoice:
    """Return a choice of threshold from a run of 300 steps."""
    run = trained(0.1, 0.315)
    norms = run.trace.grad_norm
    over_all = {p: float(np.percentile(norms, p)) for p in (25, 50, 75, 90, 99)}
    later = {p: float(np.percentile(norms[150:], p)) for p in (25, 50, 75, 90, 99)}
    attempt = ClipAttempt(
        percentile=90,
        clip_norm=over_all[90],
        run=trained(1.0, 0.29),
        clipped_fraction=0.13,
        clipped_fraction_later=0.09,
        stable=True,
        score_of_lower_lr=0.315,
    )
    return ClipChoice(
        lr=1.0,
        stable_run=run,
        percentiles=NormPercentiles(steps=300, over_all=over_all, over_last_half=later, used="all"),
        attempts=(attempt,),
        clip_norm=over_all[90],
        percentile=90,
        clipped_fraction=0.13,
    )


def warmup() -> WarmupSweep:
    """Return a sweep that fails at ten times the unstable lr and works at sqrt(10) times."""
    high, low = 4.64, 1.47

    def attempt(lr: float, steps: int, feasible: tuple[bool, ...]) -> WarmupAttempt:
        runs = tuple(
            trained(lr, 1.1 - 0.1 * math.log10(steps), seed=seed, steps=50, warmup_steps=steps)
            if works
            else diverged(lr, seed=seed, at=20, warmup_steps=steps)
            for seed, works in enumerate(feasible)
        )
        return WarmupAttempt(lr=lr, factor=lr / 0.464, warmup_steps=steps, runs=runs, feasible=feasible)

    return WarmupSweep(
        unstable_lr=0.464,
        attempts=(
            attempt(high, 10, (False,)),
            attempt(
                high,
                100,
                (
                    False,
                    True,
                ),
            ),
            attempt(high, 1000, (False,)),
            attempt(low, 10, (False,)),
            attempt(
                low,
                46,
                (
                    True,
                    True,
                    True,
                ),
            ),
            attempt(
                low,
                100,
                (
                    True,
                    True,
                    True,
                ),
            ),
            attempt(low, 1000, (True,)),
        ),
        lr=low,
        warmup_steps=46,
        longest_allowed=1000,
        limit="a tenth of max_train_steps",
        share_of_run=0.0046,
    )


def comparison(*, pairs: int = 5) -> Comparison:
    """Return a verified gain."""
    return Comparison(
        pairs=pairs,
        mean=0.21,
        low=0.18 if pairs > 1 else -math.inf,
        high=0.24 if pairs > 1 else math.inf,
        margin=0.02,
        sign_flip_p=0.031,
        baseline_loss=0.74,
        loss=0.31,
        status="verified",
    )


def evidence() -> tuple[Evidence, ...]:
    """Return the evidence of a full diagnosis of an unhealthy workload."""
    setup = Setup(
        only_batches_differ=False,
        deterministic=False,
        first_difference=3,
        difference=1e-4,
        likely_causes=("random.random() in train_batches",),
        batches_scanned=32,
        non_finite=((4, "batch[0]", 12),),
        first_loss=math.nan,
    )
    user = UserSetting(
        lr=0.3,
        runs=(InstabilityRun(factor=3.0, run=diverged(0.3, at=30), event=instability().runs[2].event),),
        infeasible=("non-finite-loss",),
        at_best=(trained(0.1, 0.315),),
        against_best=comparison(),
        half_horizon_gap=0.5,
        horizon_gap=0.6,
    )
    warm = Settings(lr=1.47, warmup_steps=46)
    arm = Arm(
        fix="warmup",
        settings=warm,
        screened=(trained(0.464, 0.33, warmup_steps=46), trained(1.47, 0.3, warmup_steps=46), diverged(2.15, at=200)),
        infeasible=(None, None, "non-finite-loss"),
        screened_gain=0.03,
        against_baseline=comparison(),
        against_lower_lr=comparison(),
        runs=(trained(1.47, 0.3, seed=100, warmup_steps=46),),
        prepended=Prepended(steps=346, against_baseline=comparison(), crossed=True),
    )
    edited = Arm(
        fix="zero-init-residual",
        settings=Settings(lr=0.1, optimizer="AdamW", edits=("zero-init-residual", "normalize-inputs")),
        refused="it clips 80% of the updates",
    )
    unfit = EditSurvey(
        edit="pre-norm",
        changes=(),
        reason="No residual block was found.",
        code="",
        advice="Put the norm in front of each residual branch.",
    )
    tried = FixesTried(
        symptoms=("The best lr is at the edge.",),
        baseline=Settings(lr=0.3),
        arms=(arm, edited),
        control_runs=(trained(0.1, 0.74, seed=100),),
        baseline_runs=(diverged(0.3, seed=100),),
        untested=(unfit,),
        yardstick=sweep(),
    )
    return (setup, sweep(), user, instability(), clip(), warmup(), tried)
