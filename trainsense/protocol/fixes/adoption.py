"""Adopts what is promising: each fix at its chosen variant, on fresh pairs, against the baseline and the control (PROTOCOL 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainsense.measure.comparing import compare_runs
from trainsense.measure.paired import MOST_PAIRS, PRACTICAL_MARGIN, holm_confidences
from trainsense.protocol.fixes.clip_grad_norm import checked
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import chosen, promising
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import Arm
from trainsense.records.run import Run
from trainsense.records.settings import LR_CHANGES


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    """The two comparisons of one arm."""

    baseline: Comparison | None
    control: Comparison | None

    @property
    def undecided(self) -> bool:
        """Whether more pairs could settle either: inconclusive, and the mean is worth having."""
        compared = [one for one in (self.baseline, self.control) if one is not None]
        return any(one.status == "inconclusive" and one.mean > PRACTICAL_MARGIN for one in compared)


def adopted(ground: CommonGround, arms: Sequence[Arm], *, most_pairs: int = MOST_PAIRS) -> list[Arm]:
    """Return the arms, those that were promising with their comparisons on fresh pairs.

    Five pairs each; those still undecided at the level that Holm's procedure asks for get five more, once: a look after
    every pair would verify 6 % of settings that do nothing.

    Args:
        ground: what they are held against.
        arms: everything that was screened.
        most_pairs: where to stop; `ADOPTION_PAIRS` where a budget may be better spent on what is yet to be screened.
    """
    count = ground.plan.effort.adoption_pairs
    if not count:
        return list(arms)
    entered = [arms.index(arm) for arm in _entrants(arms, ground.to_beat)]
    runs = {index: _pairs(ground, arms[index], count) for index in entered}
    for index, verdict in _verdicts(ground, arms, runs).items():
        if verdict.undecided and count <= len(runs[index]) < most_pairs:
            runs[index] = _pairs(ground, arms[index], most_pairs)
    found = list(arms)
    for index, verdict in _verdicts(ground, arms, runs).items():
        arm = replace(
            arms[index],
            runs=tuple(run for run in runs[index] if not run.skipped),
            against_baseline=verdict.baseline,
            against_lower_lr=verdict.control,
        )
        found[index] = checked(
            arm, adaptive=ground.plan.subject.adaptive or arm.settings.optimizer not in (None, "SGD")
        )
    return found


def verified_gain(arms: Sequence[Arm]) -> float:
    """Return the largest gain on the screening seed of what is verified against the baseline and the control, 0 without."""
    return max((arm.screened_gain or 0.0 for arm in arms if arm.beats_both), default=0.0)


def _entrants(arms: Sequence[Arm], to_beat: float) -> list[Arm]:
    """Return the chosen variant of each fix that is worth fresh pairs, changes of lr first, then by what was gained.

    What was adopted before stays in; what is new has to promise more than `to_beat`.
    """
    names = dict.fromkeys(arm.fix for arm in arms)
    best = [arm for name in names if (arm := chosen([one for one in arms if one.fix == name])) is not None]
    worth = [
        arm
        for arm in best
        if arm.fix in LR_CHANGES or arm.against_baseline or (promising(arm) and (arm.screened_gain or 0.0) > to_beat)
    ]
    return sorted(worth, key=lambda arm: (arm.fix not in LR_CHANGES, -(arm.screened_gain or 0.0)))


def _pairs(ground: CommonGround, arm: Arm, count: int) -> list[Run]:
    return ground.pairs(arm.settings, count, f"fresh pairs for {arm.fix}")


def _verdicts(ground: CommonGround, arms: Sequence[Arm], runs: Mapping[int, Sequence[Run]]) -> Mapping[int, _Verdict]:
    """Compare every entrant at the confidence that Holm's procedure asks for, given all of them."""
    first = [compare_runs(ground.baseline_runs, runs[index], ground.sweep) for index in runs]
    verdicts = {}
    for index, level in zip(runs, holm_confidences(first), strict=True):
        is_control = arms[index].settings == ground.control
        verdicts[index] = _Verdict(
            baseline=compare_runs(ground.baseline_runs, runs[index], ground.sweep, confidence=level),
            control=None
            if is_control
            else compare_runs(ground.control_runs, runs[index], ground.sweep, confidence=level),
        )
    return verdicts
