"""What preflight says of every labelled workload: a line per case, then hits and false alarms by rule.

Run: OMP_NUM_THREADS=1 python -m tests.benchmarks.preflight_table [--only NAME ...] [--seed N] [--write]

By rule: how many of the faulty workloads whose fault it names drew it; on how many sound ones it gave an error or a warning;
and on how many faulty ones whose fault is another. A fault that several rules may name counts as named if one of them
speaks. Exit 1 unless every fault is named and no sound workload draws an error or a warning. `--write` puts each rule's
figures into its page, and the whole into the README.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tests.labelled.cases import CASES
from tests.labelled.verdicts import Verdict, verdict_on
from trainsense.diagnosis.judging import OF_PREFLIGHT
from trainsense.rules import RULES

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Record:
    """How one rule did; each figure is `(count, of how many)`.

    Args:
        rule: its name.
        first: faults that it is the first to name, and named.
        may: faults that it may name, and named.
        alarms: sound workloads on which it gave an error or a warning.
        beside: faults of another kind beside which it did.
    """

    rule: str
    first: tuple[int, int]
    may: tuple[int, int]
    alarms: tuple[int, int]
    beside: tuple[int, int]

    @property
    def figures(self) -> tuple[tuple[int, int], ...]:
        """All of them, as the table shows them."""
        return self.first, self.may, self.alarms, self.beside


def records(verdicts: Sequence[Verdict]) -> list[Record]:
    """Return how each rule of preflight did."""
    faulty = [one for one in verdicts if one.case.faulty]
    sound = [one for one in verdicts if not one.case.faulty]
    found = []
    for rule in (one.name for one in RULES if one.family in OF_PREFLIGHT):
        first = [rule in one.said for one in faulty if one.case.rules[0] == rule]
        may = [rule in one.said for one in faulty if rule in one.case.rules]
        beside = sum(rule in one.beside for one in faulty)
        found.append(
            Record(
                rule=rule,
                first=(sum(first), len(first)),
                may=(sum(may), len(may)),
                alarms=(sum(rule in one.said for one in sound), len(sound)),
                beside=(beside, len(faulty) - len(may)),
            )
        )
    return found


def line(verdict: Verdict, seconds: float) -> str:
    """Return the table's line of one case."""
    case = verdict.case
    wrong = "MISS" if case.faulty else "FALSE ALARM"
    said = ", ".join(f"{rule} ({severity})" for rule, severity in verdict.said.items()) or "nothing"
    notes = f"; notes: {', '.join(verdict.notes)}" if verdict.notes else ""
    label = " | ".join(case.rules) or "sound"
    right = "hit" if case.faulty else "quiet"
    return f"{right if verdict.right else wrong:11} {case.name} [{label}] {seconds:.1f} s\n            {said}{notes}"


def table(found: Sequence[Record], verdicts: Sequence[Verdict]) -> Iterable[str]:
    """Yield the table of rules, and what it comes to."""
    yield "| rule | named, of its own faults | of all that it may name | alarms on sound workloads | beside another fault |"
    yield "| --- | --- | --- | --- | --- |"
    for one in found:
        yield " | ".join((f"| `{one.rule}`", *(f"{count} of {many}" for count, many in one.figures))) + " |"
    faulty = [one.right for one in verdicts if one.case.faulty]
    sound = [one.right for one in verdicts if not one.case.faulty]
    yield ""
    yield f"Faults named: {sum(faulty)} of {len(faulty)}; sound workloads left in peace: {sum(sound)} of {len(sound)}."


def measured(one: Record) -> str:
    """Return what a rule's page says of it."""
    others = one.may[1] - one.first[1]
    may = f" and {one.may[0] - one.first[0]} of {others} that another rule may name as well" if others else ""
    named = f"Named {one.first[0]} of its {one.first[1]} faults{may}" if one.may[1] else "It gives notes alone"
    return (
        f"{named}.\nAn error or a warning on {one.alarms[0]} of {one.alarms[1]} sound workloads, and beside "
        f"{one.beside[0]} of {one.beside[1]} faults of another kind.\n"
        "(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)"
    )


def write(found: Sequence[Record], verdicts: Sequence[Verdict]) -> None:
    """Put each rule's figures into its page, and the table into the README."""
    families = {rule.name: rule.family for rule in RULES}
    for one in found:
        page = ROOT / "trainsense" / "rules" / families[one.rule] / f"{one.rule.replace('-', '_')}.py"
        text = re.sub(r"## Measured\n.*?\n(?=## )", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = text.replace("## What to try", f"## Measured\n{measured(one)}\n\n## What to try", 1)
        page.write_text(text, encoding="utf-8")
    readme = ROOT / "README.md"
    head, rest = readme.read_text(encoding="utf-8").split("<!-- labelled set -->")
    tail = rest.split("<!-- end of labelled set -->")[1]
    shown = "\n".join(table(found, verdicts))
    readme.write_text(f"{head}<!-- labelled set -->\n{shown}\n<!-- end of labelled set -->{tail}", encoding="utf-8")


def main() -> int:
    """Print the tables; return the exit code."""
    parser = argparse.ArgumentParser(description="Run preflight on every labelled workload.")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of names, or of rules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the figures into the pages and the README")
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
    found = records(verdicts)
    print("\n" + "\n".join(table(found, verdicts)))
    print(f"{len(crashed)} crashed; {time.perf_counter() - begun:.0f} s")
    if options.write and not options.only:
        write(found, verdicts)
    return int(bool(crashed) or not all(one.right for one in verdicts))


if __name__ == "__main__":
    sys.exit(main())
