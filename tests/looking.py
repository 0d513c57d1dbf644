"""What preflight says of a workload, for tests of its measurements and rules."""

from collections.abc import Sequence

import torch

from trainsense.protocol.preflight import preflight
from trainsense.records.evidence import Evidence
from trainsense.records.finding import Finding, Judgement
from trainsense.rules import RULES
from trainsense.runners.bench import prepare
from trainsense.workload.contract import Workload
from trainsense.workload.optimizers import build_optimizer


def looked(workload: Workload, seed: int = 0) -> tuple[Evidence, ...]:
    """Return the evidence that preflight has of a workload, on the CPU."""
    bench = prepare(workload, torch.device("cpu"), seed)
    optimizer = build_optimizer(workload, bench.fresh_model(seed), 1e-3, None)
    adaptive = any("beta" in key or "alpha" in key for group in optimizer.param_groups for key in group)
    return preflight(bench, seed, adaptive=adaptive).evidence


def judgements(evidence: Sequence[Evidence]) -> dict[str, Judgement]:
    """Return what each rule says of the evidence, by the rule's name."""
    return {rule.name: rule(evidence) for rule in RULES}


def findings(workload: Workload, seed: int = 0) -> dict[str, Finding]:
    """Return preflight's findings on a workload, by rule."""
    said = judgements(looked(workload, seed))
    return {name: one for name, one in said.items() if isinstance(one, Finding)}
