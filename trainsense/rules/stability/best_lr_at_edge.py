"""The best learning rate lies one grid point below failure.

## What it checks
Whether the smallest unstable learning rate is the grid point next to the best one (tuning playbook, figure 7a).

## How it is decided
`unstable_lr <= 10^(1/3) * lr*`. By itself that is a note: many healthy workloads look so. It is a warning when a warmup or
clipping, tried on fresh seeds, makes a larger learning rate pay, and an error when your own setting fails for it.

## What to try
Warmup, then gradient clipping; then the architecture (norm placement, zero-initialised residual branches).

## References
Deep Learning Tuning Playbook, "How can optimization failures be debugged and mitigated?"; PROTOCOL 1, 2.5, 3.4.
"""

from trainsense.measure.symptoms import at_edge
from trainsense.records.evidence import FixesTried, InstabilityCheck, LearningRateSweep, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.cost_of_instability import cost_of_instability

RULE = "best-lr-at-edge"


def judge(
    sweep: LearningRateSweep,
    instability: InstabilityCheck | None,
    tried: FixesTried | None,
    user: UserSetting | None,
) -> Judgement:
    """Judge the distance from lr* to the first failure."""
    if sweep.best_lr is None or not sweep.drop.assessable:
        return NotAssessed(rule=RULE, reason="no learning rate trained measurably within the horizon; raise --steps")
    unstable_lr = instability.unstable_lr if instability else sweep.unstable_lr
    if unstable_lr is None:
        return Passed(rule=RULE, text="no learning rate that was tried failed")
    if not at_edge(sweep.best_lr, unstable_lr):
        return Passed(
            rule=RULE, text=f"{unstable_lr / sweep.best_lr:.2g}x lies between the best lr and the first to fail"
        )
    cost = cost_of_instability(user, tried, in_user_runs=False)
    return Finding(
        rule=RULE,
        severity=cost.severity,
        title=f"Best lr {sweep.best_lr:.3g} lies just below failure at {unstable_lr:.3g}",
        detail=f"Training at lr {unstable_lr:.3g} fails, {unstable_lr / sweep.best_lr:.2g} times above the best: the "
        f"learning rate is limited by instability, not by the task. {cost.text}",
        evidence={"best_lr": sweep.best_lr, "unstable_lr": unstable_lr, "edge_lr": sweep.edge_lr},
        plots=("lr-axis",),
        fixes=("warmup", "clip-grad-norm"),
    )
