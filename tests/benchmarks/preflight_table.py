"""What preflight says of every labelled workload: a line per case, then hits and false alarms by rule.

Run: OMP_NUM_THREADS=1 python -m tests.benchmarks.preflight_table [--only NAME ...] [--seed N]

By rule: how many of the faulty workloads whose fault it names drew it; on how many sound ones it gave an error or a warning;
and on how many faulty ones whose fault is another. A fault that several rules may name counts as named if one of them
speaks. Exit 1 unless every fault is named and no sound workload draws an error or a warning.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence

import torch

from tests.labelled.cases import CASES
from tests.labelled.verdicts import Verdict, verdict_on


def line(verdict: Verdict, seconds: float) -> str:
    """Return the table's line of one case."""
    case = verdict.case
    wrong = "MISS" if case.faulty else "FALSE ALARM"
    said = ", ".join(f"{rule} ({severity})" for rule, severity in verdict.said.items()) or "nothing"
    notes = f"; notes: {', '.join(verdict.notes)}" if verdict.notes else ""
    label = " | ".join(case.rules) or "sound"
    right = "hit" if case.faulty else "quiet"
    return f"{right if verdict.right else wrong:11} {case.name} [{label}] {seconds:.1f} s\n            {said}{notes}"


def by_rule(verdicts: Sequence[Verdict]) -> Iterable[str]:
    """Yield the table of rules."""
    faulty = [one for one in verdicts if one.case.faulty]
    sound = [one for one in verdicts if not one.case.faulty]
    rules = dict.fromkeys(
        [rule for one in faulty for rule in one.case.rules] + [rule for one in verdicts for rule in one.said]
    )
    yield "| rule | named, of the faults it names first | of all it may name | alarms on sound workloads | beside another fault |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in rules:
        first = [rule in one.said for one in faulty if one.case.rules[0] == rule]
        any_place = [rule in one.said for one in faulty if rule in one.case.rules]
        alarms = sum(rule in one.said for one in sound)
        beside = sum(rule in one.beside for one in faulty)
        yield (
            f"| `{rule}` | {sum(first)} of {len(first)} | {sum(any_place)} of {len(any_place)} "
            f"| {alarms} of {len(sound)} | {beside} of {len(faulty) - len(any_place)} |"
        )
    named, quiet = sum(one.right for one in faulty), sum(one.right for one in sound)
    yield f"\nfaults named: {named} of {len(faulty)}; sound workloads left in peace: {quiet} of {len(sound)}"


def main() -> int:
    """Print the tables; return the exit code."""
    parser = argparse.ArgumentParser(description="Run preflight on every labelled workload.")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of names, or of rules")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    verdicts: list[Verdict] = []
    crashed: list[str] = []
    begun = time.perf_counter()
    for case in CASES:
        if options.only and not any(one in case.name or one in case.rules for one in options.only):
            continue
        started = time.perf_counter()
        try:
            verdicts.append(verdict_on(case, options.seed))
        except Exception as error:  # noqa: BLE001 - the table goes on
            crashed.append(f"{case.name}: {type(error).__name__}: {error}")
            print(f"CRASHED     {crashed[-1]}", flush=True)
        else:
            print(line(verdicts[-1], time.perf_counter() - started), flush=True)
    print("\n" + "\n".join(by_rule(verdicts)))
    print(f"{len(crashed)} crashed; {time.perf_counter() - begun:.0f} s")
    return int(bool(crashed) or not all(one.right for one in verdicts))


if __name__ == "__main__":
    sys.exit(main())
