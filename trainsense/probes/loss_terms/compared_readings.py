"""What predictions compared with targets of their shape show on one batch."""

import math
from typing import Final, Literal

import torch
from torch import Tensor

from trainsense.probes.loss_terms.limits import Bound, bound
from trainsense.probes.loss_terms.places import location, parameter
from trainsense.probes.loss_terms.probabilities import are_probabilities
from trainsense.probes.loss_terms.reading import Reading
from trainsense.probes.loss_terms.terms import Compared
from trainsense.probes.structure import LiveLoss
from trainsense.records.evidence.loss_terms import LossKind

_OUTSIDE: Final = 1e-2
"""Binary targets further than this outside [0, 1] are no rounding."""


def read_compared(live: LiveLoss, term: Compared) -> Reading | None:
    """Return the figures of one term, None where its targets are not finite."""
    predictions, targets = term.predictions.cpu().double(), term.targets.cpu().double()
    if not bool(torch.isfinite(targets).all()):
        return None
    limits = bound(live, term.source)
    if limits is not None and limits.kind == "Softmax" and bool((predictions == 1).all()):
        return None  # over one unit: a fault of another name
    rows = targets.shape[0] if targets.dim() > 0 else 1
    squared = term.kind == "squared error"
    logits = term.kind == "binary cross-entropy with logits"
    return Reading(
        kind=term.kind,
        parameter=parameter(live.graph, term.source),
        location=location(live, term.op, term.source),
        count=targets.numel(),
        value=_value(term.kind, predictions, targets),
        bound=limits,
        bound_location=None if limits is None else location(live, limits.op, limits.op),
        missed=_missed(targets, limits) if squared and limits is not None else None,
        floor=_binary_floor(targets, limits, logits=logits) if not squared and limits is not None else None,
        probabilities=_binary_probabilities(predictions, limits) if logits else "",
        outside=None if squared else float(((targets < -_OUTSIDE) | (targets > 1 + _OUTSIDE)).double().mean()),
        targets=(targets.reshape(rows, -1).sum(dim=0).cpu(), targets.reshape(rows, -1).square().sum(dim=0).cpu()),
        rows=rows,
        target_low=float(targets.amin()),
        target_high=float(targets.amax()),
    )


def _value(kind: LossKind, predictions: Tensor, targets: Tensor) -> float:
    if kind == "squared error":
        return float((predictions - targets).square().mean())
    if kind == "binary cross-entropy":
        logs, others = predictions.log().clamp_min(-100), torch.log1p(-predictions).clamp_min(-100)
        return float(-(targets * logs + (1 - targets) * others).mean())
    return float((torch.nn.functional.softplus(predictions) - targets * predictions).mean())


def _missed(targets: Tensor, limits: Bound) -> float:
    return float((targets - targets.clamp(limits.low, limits.high)).square().mean())


def _binary_floor(targets: Tensor, limits: Bound, *, logits: bool) -> float:
    """Return the lowest mean binary cross-entropy above the targets' own entropy."""
    inside = targets.clamp(0.0, 1.0)
    low, high = (_probability(limits.low), _probability(limits.high)) if logits else (limits.low, limits.high)
    best = inside.clamp(max(low, 0.0), min(high, 1.0))
    excess = torch.xlogy(inside, inside) - torch.xlogy(inside, best)
    excess = excess + torch.xlogy(1 - inside, 1 - inside) - torch.xlogy(1 - inside, 1 - best)
    return float(excess.mean())


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def _binary_probabilities(predictions: Tensor, limits: Bound | None) -> Literal["", "softmax", "sigmoid"]:
    if limits is not None and limits.kind in {"Sigmoid", "Softmax"}:
        return "sigmoid" if limits.kind == "Sigmoid" else "softmax"
    several = predictions.dim() > 1 and predictions.shape[-1] > 1
    return "softmax" if several and are_probabilities(predictions.reshape(-1, predictions.shape[-1])) else ""
