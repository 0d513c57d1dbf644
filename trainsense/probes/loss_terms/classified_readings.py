"""What log-probabilities held against labels show on one batch."""

import math
from typing import Final, Literal

import torch
from torch import Tensor

from trainsense.probes.loss_terms.limits import Bound, bound
from trainsense.probes.loss_terms.places import location, parameter, weight_is_normalised
from trainsense.probes.loss_terms.probabilities import are_probabilities
from trainsense.probes.loss_terms.reading import Reading
from trainsense.probes.loss_terms.terms import Classified
from trainsense.probes.structure import LiveLoss

_FLAT: Final = frozenset(["Relu", "Clamp", "ClampMin", "Hardtanh"])
"""Operations without a gradient at their lower bound."""
_ABOVE_ONE: Final = 1e-3
"""Log-probabilities above this are none."""


def read_classified(live: LiveLoss, term: Classified) -> Reading | None:
    """Return the figures of one term, None where no label counts or its loss is not finite."""
    classes = term.log_probabilities.shape[1]
    counted, value = _likelihood(term)
    if counted == 0 or not math.isfinite(value):
        return None
    limits = bound(live, term.source)
    width = math.inf if limits is None else limits.high - limits.low
    floor = math.log1p((classes - 1) * math.exp(-width)) if math.isfinite(width) and term.labels is not None else None
    cut = limits is not None and limits.low == 0 and limits.kind in _FLAT
    return Reading(
        kind=term.kind,
        parameter=parameter(live.graph, term.source),
        location=location(live, term.op, term.source),
        count=counted,
        value=value,
        classes=classes,
        bound=limits,
        bound_location=None if limits is None else location(live, limits.op, limits.op),
        floor=floor,
        highest=term.scores.amax(dim=0).float().cpu() if cut and term.scores is not None else None,
        probabilities=_probabilities(term, limits),
        unnormalised=term.kind == "negative log-likelihood" and _is_unnormalised(term.log_probabilities),
        by_design=weight_is_normalised(live.graph, term.source),
        rows=term.rows[0] if term.rows else 1,
        labels=None if term.labels is None else term.labels.reshape(term.rows).cpu(),
        ignored=term.ignored,
    )


def _likelihood(term: Classified) -> tuple[int, float]:
    """Return the number of predictions and their mean loss."""
    if term.soft is not None:
        value = -(term.soft.float() * term.log_probabilities.float()).sum(dim=1).mean()
        return term.log_probabilities.shape[0], float(value)
    assert term.labels is not None
    labels = term.labels
    valid = torch.ones_like(labels, dtype=torch.bool) if term.ignored is None else labels != term.ignored
    picked = term.log_probabilities.gather(1, labels.where(valid, 0).unsqueeze(1)).squeeze(1)[valid]
    return int(valid.sum()), float(-picked.float().mean()) if picked.numel() else math.nan


def _probabilities(term: Classified, limits: Bound | None) -> Literal["", "softmax", "sigmoid"]:
    if term.kind != "cross-entropy":
        return ""
    if limits is not None and limits.kind in {"Sigmoid", "Softmax"}:
        return "sigmoid" if limits.kind == "Sigmoid" else "softmax"
    return "softmax" if term.scores is not None and are_probabilities(term.scores) else ""


def _is_unnormalised(log_probabilities: Tensor) -> bool:
    sums = torch.logsumexp(log_probabilities.float(), dim=1)
    return bool((log_probabilities > _ABOVE_ONE).any()) and bool((sums.abs() > 0.1).float().mean() > 0.5)
