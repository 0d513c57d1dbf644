"""How often is a fix verified that does nothing, and is one that hurts rejected?

Run: python -m tests.benchmarks.false_gains [WORKLOAD ...]

The three workloads of noisy_workloads.py are healthy: no fix is called for. At lr* and 100 steps, from ten first seeds whose
fresh seeds are all different, the tool's own verification (trainsense.protocol.fixes.adoption) decides on

- *alone*: what does next to nothing, one at a time: warmup over a tenth of the run, clipping at the 90th percentile, both, a
  fifth more lr; and `none`, the baseline once more on seeds other than its own, whose true effect is 0;
- *together*: the same as one family, as the tool tries them;
- *screened*: what the tool's screening of warmup, clipping and both finds promising on the first seed;
- *diagnosed*: what `diagnose` holds against the workload's own setting, seeds 0 to 9, 6,000 steps each;
- *hurting*: warmup over half the run, which costs some per cent of the loss drop and must never be verified;
- *ruinous*: warmup over the whole run, and updates a hundredth as large, which must be rejected every time.

The truth is the mean effect over forty other seeds. A verified fix is a false gain unless that is above 0 by two standard errors
and at least half the practical margin, which is 1 % of the loss drop. Exit 1 if more than 5 % of the comparisons are false gains,
or what hurts gets through.

Measured 2026-11-21, two shared cores, six minutes; a cell is comparisons / verified / rejected / false gains:

| workload      | alone         | together      | screened      | diagnosed     | hurting       | ruinous       |
| ------------- | ------------- | ------------- | ------------- | ------------- | ------------- | ------------- |
| small batches | 50/ 2/ 14/ 1  | 50/ 0/  9/ 0  | 11/ 0/  3/ 0  | 10/ 0/  4/ 0  | 10/ 0/ 10/ 0  | 20/ 0/ 20/ 0  |
| wrong labels  | 50/ 1/ 29/ 1  | 50/ 0/ 20/ 0  |  4/ 0/  1/ 0  |  7/ 1/  3/ 0  | 10/ 0/  8/ 0  | 20/ 0/ 20/ 0  |
| noisy line    | 50/ 0/ 41/ 0  | 50/ 0/ 40/ 0  |  2/ 0/  2/ 0  |  1/ 0/  1/ 0  | 10/ 0/ 10/ 0  | 20/ 0/ 20/ 0  |

2 false gains in 335 comparisons, 0.6 %: a fifth more lr at small batches (+8.8 % on 5 pairs; +0.2 ± 0.9 % in truth) and the baseline
on other seeds (+17.7 % on 5 pairs; 0).
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from tests.benchmarks.noisy_workloads import NOISY
from tests.benchmarks.verification import NO_CHANGE, Verification, verification
from trainsense import Workload, diagnose
from trainsense.measure.gradient_norms import norm_percentiles
from trainsense.measure.paired import PRACTICAL_MARGIN
from trainsense.records.comparison import ComparisonStatus
from trainsense.records.evidence import Arm, FixesTried
from trainsense.records.request import BudgetLimit
from trainsense.records.settings import Settings

STEPS: Final = 100
FIRST_SEEDS: Final = range(0, 100, 10)
"""The fresh seeds of each lie a hundred above: 100 to 109, 110 to 119, …"""
DIAGNOSED_SEEDS: Final = range(10)
BUDGET: Final = BudgetLimit(amount=60 * STEPS, unit="steps")
MOST_FALSE: Final = 0.05
PROMISING: Final = 1.0
"""Set as the gain on the screening seed, so that verification has to decide."""
USELESS: Final = ("alone", "together", "screened", "diagnosed")
WAYS: Final = (*USELESS, "hurting", "ruinous")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the tool decided on a fix, and whether that is a false gain."""

    way: str
    status: ComparisonStatus
    false: bool


def tied(one: Verification) -> dict[str, Settings]:
    """Return fixes that do next to nothing, and none."""
    warmup, clip = round(0.1 * STEPS), percentile(one, 90)
    return {
        "warmup": replace(one.best, warmup_steps=warmup),
        "clip-grad-norm": replace(one.best, clip_norm=clip),
        "clip-and-warmup": replace(one.best, warmup_steps=warmup, clip_norm=clip),
        "raise-lr": replace(one.best, lr=1.2 * one.best.lr),
        "none": replace(one.best, warmup_steps=NO_CHANGE),
    }


def hurting(one: Verification) -> dict[str, Settings]:
    """Return a fix that hurts."""
    return {"warmup": replace(one.best, warmup_steps=STEPS // 2)}


def ruinous(one: Verification) -> dict[str, Settings]:
    """Return fixes that ruin the training; clipping does not, where the optimizer divides by the gradient's size."""
    small = {"clip-grad-norm": replace(one.best, clip_norm=percentile(one, 50) / 100)}
    slow = {"lower-lr": replace(one.best, lr=one.best.lr / 100)}
    return {"warmup": replace(one.best, warmup_steps=STEPS), **(slow if one.plan.subject.adaptive else small)}


def percentile(one: Verification, percent: int) -> float:
    """Return a percentile of the gradient norms at lr*."""
    norms = norm_percentiles(one.sweep.best.runs[0].trace.grad_norm) if one.sweep.best else None
    assert norms is not None
    return norms.over_all[percent]


def forced(fixes: Mapping[str, Settings]) -> list[Arm]:
    """Return arms that verification has to decide on."""
    return [Arm(fix=fix, settings=settings, screened_gain=PROMISING) for fix, settings in fixes.items()]


def decisions(workload: Workload) -> Iterator[Decision]:
    """Yield all decisions on one workload; prints what the fixes that are tried by hand truly do."""
    with verification(workload, STEPS) as one:
        by_hand = {"alone": tied(one), "hurting": hurting(one), "ruinous": ruinous(one)}
        for way, fixes in by_hand.items():
            for fix, settings in fixes.items():
                mean, error = one.truth(settings)
                print(f"  {way:10} {fix:16} truth {mean:+8.2%} ± {error:.2%}", flush=True)
        for seed in FIRST_SEEDS:
            for way, fixes in by_hand.items():
                for arm in forced(fixes):
                    yield from decided(one, way, one.tried(seed, [arm]))
            yield from decided(one, "together", one.tried(seed, forced(tied(one))))
            yield from decided(one, "screened", one.screened(seed))
        for seed in DIAGNOSED_SEEDS:
            evidence = diagnose(workload, seed=seed, steps=STEPS, budget=BUDGET, device="cpu").evidence
            for tried in (piece for piece in evidence if isinstance(piece, FixesTried)):
                yield from decided(one, "diagnosed", tried.arms, tried.baseline)


def decided(one: Verification, way: str, arms: Sequence[Arm], baseline: Settings | None = None) -> Iterator[Decision]:
    """Yield the decisions on the arms that were adopted, the verified ones held against the truth; prints those."""
    for arm in arms:
        found = arm.against_baseline
        if found is None:
            continue
        if found.status != "verified":
            yield Decision(way=way, status=found.status, false=False)
            continue
        mean, error = (0.0, 0.0) if arm.settings.warmup_steps == NO_CHANGE else one.truth(arm.settings, baseline)
        false = mean <= 2 * error or mean < PRACTICAL_MARGIN / 2
        print(
            f"  {way}: {arm.fix} verified on {found.pairs} pairs, {found.mean:+.2%} ({found.low:+.2%} to {found.high:+.2%}); "
            f"truth {mean:+.2%} ± {error:.2%}{', FALSE' if false else ''}",
            flush=True,
        )
        yield Decision(way=way, status=found.status, false=false)


def told(found: Sequence[Decision]) -> str:
    """Return the counts in words."""
    counts = [f"{sum(one.status == status for one in found)} {status}" for status in ("verified", "rejected")]
    return f"{len(found):4} comparisons: {', '.join(counts)}; {sum(one.false for one in found)} false gains"


def main() -> int:
    """Print the counts of every workload and of all; return the exit code."""
    torch.set_num_threads(1)
    found: list[Decision] = []
    for name in sys.argv[1:] or NOISY:
        print(name, flush=True)
        here = list(decisions(NOISY[name]))
        found += here
        for way in WAYS:
            print(f"  {way:10} {told([one for one in here if one.way == way])}", flush=True)
    print("all")
    by_way = {way: [one for one in found if one.way == way] for way in WAYS}
    for way in WAYS:
        print(f"  {way:10} {told(by_way[way])}")
    useless = [one for way in USELESS for one in by_way[way]]
    share = sum(one.false for one in useless) / len(useless)
    print(f"  false gains: {share:.1%} of {len(useless)} comparisons")
    hurts = any(one.status == "verified" for one in by_way["hurting"])
    return int(share > MOST_FALSE or hurts or any(one.status != "rejected" for one in by_way["ruinous"]))


if __name__ == "__main__":
    sys.exit(main())
