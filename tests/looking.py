"""What preflight says of a workload, for tests of its measurements and rules."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, get_args, get_type_hints
from unittest import mock

import torch

from trainsense.protocol import preflight
from trainsense.protocol.check_setup import check_setup
from trainsense.records.evidence import Evidence, Setup, WarmStart
from trainsense.records.finding import Finding, Judgement
from trainsense.rules import RULES, Rule
from trainsense.runners.bench import prepare
from trainsense.workload.contract import Workload
from trainsense.workload.optimizers import build_optimizer

_BY_NAME: Final = {rule.name: rule for rule in RULES}
PREFLIGHT: Final = frozenset(one.gives for one in preflight.MEASUREMENTS)
EVERYTHING: Final = PREFLIGHT | {Setup}


def looked(workload: Workload, seed: int = 0, *, only: Collection[type] = PREFLIGHT) -> tuple[Evidence, ...]:
    """Return the evidence that preflight has of a workload, on the CPU.

    Args:
        workload: the workload.
        seed: of weights and batches.
        only: the kinds of evidence that are wanted; the warm start is made in any case.
    """
    bench = prepare(workload, torch.device("cpu"), seed)
    optimizer = build_optimizer(workload, bench.fresh_model(seed), 1e-3, None)
    adaptive = any("beta" in key or "alpha" in key for group in optimizer.param_groups for key in group)
    wanted = tuple(one for one in preflight.MEASUREMENTS if one.gives in only)
    first = [check_setup(bench, seed).setup] if Setup in only else []
    with mock.patch.object(preflight, "MEASUREMENTS", wanted):
        return (*first, *preflight.preflight(bench, seed, adaptive=adaptive).evidence)


def judgements(evidence: Sequence[Evidence]) -> dict[str, Judgement]:
    """Return what each rule says of the evidence, by the rule's name."""
    return {rule.name: rule(evidence) for rule in RULES}


def _kinds(rule: Rule) -> set[type]:
    hints = get_type_hints(rule.judge)
    return {kind for hint in hints.values() for kind in get_args(hint) or (hint,)} & EVERYTHING


class Judgements(Mapping[str, Judgement]):
    """What each rule says of a workload, by the rule's name.

    Asked for single rules, only what these judge is measured: most of the rest takes longer.
    """

    def __init__(self, workload: Workload, seed: int) -> None:
        self._workload, self._seed = workload, seed
        self._kinds: set[type] = set()
        self._evidence: tuple[Evidence, ...] = ()

    def of(self, rules: Collection[str]) -> dict[str, Judgement]:
        """Return what some of the rules say."""
        kinds = {kind for rule in rules for kind in _kinds(_BY_NAME[rule])}
        if not self._evidence or not kinds <= self._kinds:
            found = looked(self._workload, self._seed, only=kinds - self._kinds)
            self._evidence += tuple(one for one in found if not (self._evidence and isinstance(one, WarmStart)))
            self._kinds |= kinds
        return {rule: _BY_NAME[rule](self._evidence) for rule in rules}

    def __getitem__(self, rule: str) -> Judgement:
        return self.of([rule])[rule]

    def __iter__(self) -> Iterator[str]:
        return iter(self.of(_BY_NAME))

    def __len__(self) -> int:
        return len(_BY_NAME)


class Findings(Mapping[str, Finding]):
    """Preflight's findings on a workload, by rule; only what is asked for is measured."""

    def __init__(self, judgements: Judgements) -> None:
        self._judgements = judgements

    def among(self, *rules: str) -> dict[str, Finding]:
        """Return the findings of some of the rules."""
        said = self._judgements.of(rules)
        return {name: one for name, one in said.items() if isinstance(one, Finding)}

    def __getitem__(self, rule: str) -> Finding:
        said = self._judgements[rule]
        if not isinstance(said, Finding):
            raise KeyError(said)
        return said

    def __iter__(self) -> Iterator[str]:
        return iter(self.among(*_BY_NAME))

    def __len__(self) -> int:
        return len(self.among(*_BY_NAME))


def judgements_on(workload: Workload, seed: int = 0) -> Judgements:
    """Return what each rule says of a workload."""
    return Judgements(workload, seed)


def findings(workload: Workload, seed: int = 0) -> Findings:
    """Return preflight's findings on a workload."""
    return Findings(judgements_on(workload, seed))
