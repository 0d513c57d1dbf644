"""Which fix pays: what the symptoms call for, tried on the user's workload (PROTOCOL 3.4, 5 and 6)."""

from collections.abc import Sequence

from trainsense.lab import Lab
from trainsense.measure.paired import ADOPTION_PAIRS, MOST_PAIRS
from trainsense.measure.symptoms import SUFFERING_SHARE, stabilising_pays, suffers, symptoms
from trainsense.protocol.fixes import OTHERS, STABILISERS, CommonGround
from trainsense.protocol.fixes.adoption import adopted, verified_gain
from trainsense.protocol.fixes.prepending import best_prepended
from trainsense.protocol.fixes.rescue import rescue
from trainsense.records.evidence import Arm, FixesTried, InstabilityCheck, LearningRateSweep, UserSetting
from trainsense.records.plan import Plan
from trainsense.records.settings import Settings


def try_fixes(
    lab: Lab,
    plan: Plan,
    sweep: LearningRateSweep,
    user: UserSetting | None,
    instability: InstabilityCheck | None,
) -> FixesTried | None:
    """Try what the symptoms call for; None where nothing could be held against anything.

    Args:
        lab: runs the trials.
        plan: seeds, horizon and effort.
        sweep: lr*: without any fix, the control that every stabilising fix has to beat.
        user: the user's own setting, the baseline; without one the baseline is lr*.
        instability: events above lr*, None if they were not looked for.
    """
    if sweep.best_lr is None or sweep.best is None or not sweep.drop.assessable:
        return rescue(lab, plan, sweep) if plan.any_fix else None
    clip_norm = plan.subject.clip_norm
    baseline = Settings(lr=user.lr if user else sweep.best_lr, clip_norm=clip_norm)
    control = Settings(lr=sweep.best_lr, clip_norm=clip_norm)
    ground = CommonGround(
        lab, plan, sweep, baseline, control=control, user_lr=user.lr if user is not None and user.fails else None
    )
    reasons, first = symptoms(sweep, user, instability)
    arms: list[Arm] = []
    if user is not None and user.against_best is not None and user.against_best.mean > SUFFERING_SHARE:
        arms = [_lr_change(user, sweep, control)]  # first: under a tight budget this is what decides
        arms = adopted(ground, arms, most_pairs=ADOPTION_PAIRS if reasons else MOST_PAIRS)
    if reasons:
        arms = best_prepended(ground, _stabilised(ground, arms, first))
    arms += _looser_clip(user)
    limiting = bool(reasons) and (suffers(user) or any(stabilising_pays(arm) for arm in arms))
    if limiting and plan.any_fix and plan.effort.other_fixes:
        for screen in OTHERS:
            ground.to_beat = verified_gain(arms)
            arms = adopted(ground, [*arms, *screen(ground, arms)])
    return FixesTried(
        symptoms=tuple(reasons),
        baseline=baseline,
        arms=tuple(arms),
        control_runs=tuple(ground.control_runs),
        baseline_runs=tuple(ground.baseline_runs),
        untested=tuple(survey for survey in plan.subject.edits if limiting and plan.any_fix and not survey.applicable),
        yardstick=sweep,
    )


def _lr_change(user: UserSetting, sweep: LearningRateSweep, control: Settings) -> Arm:
    """Return the change of lr to lr*, which the sweep has screened."""
    fix = "lower-lr" if user.lr > control.lr else "raise-lr"
    screened = sweep.best.runs[:1] if sweep.best else ()
    return Arm(fix=fix, settings=control, screened=screened, infeasible=(None,) * len(screened), screened_gain=0.0)


def _looser_clip(user: UserSetting | None) -> list[Arm]:
    """Return the larger threshold that was tried in place of the user's own, which clips most updates; none if it was not."""
    if user is None or user.larger_clip is None or user.larger_clip_norm is None:
        return []
    settings = Settings(lr=user.lr, clip_norm=user.larger_clip_norm)
    return [Arm(fix="clip-grad-norm", settings=settings, against_baseline=user.larger_clip)]


def _stabilised(ground: CommonGround, arms: Sequence[Arm], first: str) -> list[Arm]:
    """Screen warmup, clipping and both, the one that the symptoms name first; adopt what is promising.

    Each as it comes: a tight budget decides on the first before it looks at the next.
    """
    order = sorted(STABILISERS, key=lambda fix: fix != first)
    found = list(arms)
    for fix in order if ground.adopts else order[:1]:
        found = adopted(ground, [*found, *STABILISERS[fix](ground, found)], most_pairs=ADOPTION_PAIRS)
    return adopted(ground, found)
