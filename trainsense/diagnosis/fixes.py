"""Arms that were tried, as the fixes of the report: one per name, with what trying it showed (PROTOCOL 6.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from trainsense.diagnosis.advice import advice_for
from trainsense.diagnosis.judging import FAMILY
from trainsense.diagnosis.price import price_of
from trainsense.diagnosis.snippets import snippets
from trainsense.measure.paired import ADOPTION_PAIRS, PRACTICAL_MARGIN
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import Arm, FixesTried, UserSetting
from trainsense.records.finding import Finding
from trainsense.records.fix import Fix, Improvement
from trainsense.records.model_edit import EditSurvey
from trainsense.records.plan import Plan
from trainsense.records.settings import Settings

NOT_TRIED: Final = "Not tried here, though this model allows it: `trainsense diagnose` tries it."
HEADLINE_PLOT: Final = "lr-axis-with-fix"


def fixes_of(
    tried: FixesTried | None, findings: Sequence[Finding], user: UserSetting | None, plan: Plan
) -> tuple[Fix, ...]:
    """Return what was tried, in that order, then what was not and is worth knowing.

    Args:
        tried: the arms, None if no fix was tried.
        findings: their fixes that cannot be run here are advice in words.
        user: the user's own setting, the baseline where no fix was tried.
        plan: the workload's subject and the horizon.
    """
    today = user.lr if user else plan.subject.lr or 0.0
    baseline = tried.baseline if tried else Settings(lr=today, clip_norm=plan.subject.clip_norm)
    fixes = [_tried(arm, tried, plan) for arm in representatives(tried)] if tried else []
    fixes += [_survey(survey, baseline) for survey in (tried.untested if tried else ())]
    known = {fix.fix for fix in fixes}
    fixes += [_untried(survey, baseline, plan) for survey in _called_for(findings, plan) if survey.edit not in known]
    fixes += [
        Fix(fix=name, title=text, status="untested", settings=baseline, reason=reason)
        for name, text, reason in advice_for(findings)
        if name not in known
    ]
    return tuple(fixes)


def with_what_helped(finding: Finding, fixes: Sequence[Fix]) -> Finding:
    """Return an error or warning with its fixes in the order of what was shown: verified ones first, rejected ones left out."""
    if finding.severity == "note" or not finding.fixes:
        return finding
    status = {fix.fix: fix.status for fix in fixes}
    stabilises = FAMILY.get(finding.rule) == "stability" and finding.rule != "lr-too-low"
    helped = [name for name in status if status[name] == "verified" and stabilises]
    rest = [name for name in finding.fixes if status.get(name) not in ("verified", "rejected")]
    kept = [name for name in finding.fixes if status.get(name) == "verified"]
    return replace(finding, fixes=tuple(dict.fromkeys([*kept, *helped, *rest])))


def with_headline_plot(finding: Finding, plots: Mapping[str, str]) -> Finding:
    """Return an error or warning with the plot of the axis before and after the fix, where it was drawn and shows an axis."""
    shows_axis = bool({"lr-axis", "loss-above-best-lr"} & set(finding.plots))
    if finding.severity == "note" or not shows_axis or HEADLINE_PLOT not in plots:
        return finding
    return replace(finding, plots=(*finding.plots, HEADLINE_PLOT))


def representatives(tried: FixesTried) -> list[Arm]:
    """Return one arm per fix, in the order in which they were tried: the one that was adopted, else the best screened."""
    names = dict.fromkeys(arm.fix for arm in tried.arms)
    return [_representative([arm for arm in tried.arms if arm.fix == name]) for name in names]


def _representative(arms: Sequence[Arm]) -> Arm:
    compared = [arm for arm in arms if arm.against_baseline is not None]
    if compared:
        return compared[0]
    return max(arms, key=lambda arm: arm.screened_gain if arm.screened_gain is not None else float("-inf"))


def _tried(arm: Arm, tried: FixesTried, plan: Plan) -> Fix:
    if arm.against_baseline is not None:
        return _compared(arm, arm.against_baseline, tried.baseline, plan)
    screening = arm.screening
    return replace(
        _bare(arm, tried.baseline, plan),
        loss=screening.score if screening else None,
        seeds=1 if screening else 0,
        reason=_why_not_pursued(
            arm, [one for one in tried.arms if one.against_lower_lr and one.against_lower_lr.status == "verified"]
        ),
    )


def _bare(arm: Arm, baseline: Settings, plan: Plan) -> Fix:
    return Fix(
        fix=arm.fix,
        title=title_of(arm.fix, arm.settings),
        status="inconclusive",
        settings=arm.settings,
        code=snippets(arm.settings, baseline, plan.subject),
        price=price_of(arm, plan),
    )


def _compared(arm: Arm, compared: Comparison, baseline: Settings, plan: Plan) -> Fix:
    return replace(
        _bare(arm, baseline, plan),
        status=compared.status,
        baseline_loss=compared.baseline_loss,
        loss=compared.loss,
        improvement=Improvement(mean=compared.mean, low=compared.low, high=compared.high),
        seeds=compared.pairs,
        reason=_limits(arm),
    )


def _why_not_pursued(arm: Arm, verified: Sequence[Arm]) -> str:
    if arm.refused:
        return f"Not recommended: {arm.refused}."
    if arm.screened_gain is None or arm.screening is None:
        return "It was not run."
    if arm.screened_gain > PRACTICAL_MARGIN:
        better = [one for one in verified if (one.screened_gain or 0.0) >= arm.screened_gain]
        if better:
            return f"On the first seed it did no better than {better[0].fix}, which is verified: not pursued."
        return (
            f"On the first seed it ended {arm.screened_gain:.0%} of the loss drop below the best lr without it; the budget "
            "held no fresh pairs to verify that."
        )
    where = (
        "no better than"
        if arm.screened_gain > -PRACTICAL_MARGIN
        else f"{-arm.screened_gain:.0%} of the loss drop above"
    )
    return f"On the first seed it ended {where} the best lr without it: not pursued."


def _limits(arm: Arm) -> str:
    """Say what speaks against an arm that was compared: it is refused, or the lower lr does as well."""
    if arm.refused:
        return f"Not recommended: {arm.refused}."
    lower = arm.against_lower_lr
    if lower is not None and lower.pairs < ADOPTION_PAIRS:
        return f"The budget held {lower.pairs} of the {ADOPTION_PAIRS} fresh pairs that verification takes."
    if lower is not None and lower.status != "verified":
        return f"It does not beat the best lr without it: {lower.mean:+.0%} of the loss drop ({lower.low:.0%} to {lower.high:.0%})."
    return ""


def _called_for(findings: Sequence[Finding], plan: Plan) -> list[EditSurvey]:
    """Return the model edits that errors and warnings name."""
    named = {name for finding in findings if finding.severity != "note" for name in finding.fixes}
    return [survey for survey in plan.subject.edits if survey.edit in named]


def _untried(survey: EditSurvey, baseline: Settings, plan: Plan) -> Fix:
    """Return a model edit that a finding names and that was not run: with its lines, if it fits the model."""
    if not survey.applicable:
        return _survey(survey, baseline)
    settings = replace(baseline, edits=(survey.edit,))
    return Fix(
        fix=survey.edit,
        title=survey.advice,
        status="untested",
        settings=settings,
        code=snippets(settings, baseline, plan.subject) if baseline.lr else {"pytorch": survey.code},
        reason=NOT_TRIED,
    )


def _survey(survey: EditSurvey, baseline: Settings) -> Fix:
    return Fix(
        fix=survey.edit,
        title=survey.advice,
        status="untested",
        settings=replace(baseline, edits=(survey.edit,)),
        reason=f"It does not fit this model. {survey.reason}",
    )


def title_of(fix: str, settings: Settings) -> str:
    """Return a fix in one line, as an instruction.

    >>> title_of("warmup", Settings(lr=0.1, warmup_steps=30))
    'Warm up over 30 steps to lr 0.1'
    """
    lr = f"lr {settings.lr:.3g}"
    clip = f"{settings.clip_norm or 0:.3g}"
    return {
        "lower-lr": f"Lower the learning rate to {settings.lr:.3g}",
        "raise-lr": f"Raise the learning rate to {settings.lr:.3g}",
        "warmup": f"Warm up over {settings.warmup_steps} steps to {lr}",
        "clip-grad-norm": f"Clip the gradient norm at {clip} with {lr}",
        "clip-and-warmup": f"Clip the gradient norm at {clip} and warm up over {settings.warmup_steps} steps to {lr}",
        "change-optimizer": f"Train with {settings.optimizer} at {lr}",
        "zero-init-residual": f"Start every residual branch at zero, with {lr}",
        "pre-norm": f"Move the norm to the front of each residual branch, with {lr}",
        "reinitialize": f"Initialise the weights by the activation that follows, with {lr}",
        "replace-activation": f"Replace the hidden activations, with {lr}",
        "normalize-inputs": f"Normalise the inputs, with {lr}",
    }.get(fix, f"{fix} with {lr}")
