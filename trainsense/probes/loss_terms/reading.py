"""What one recognised part of a loss shows on one batch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from trainsense.probes.loss_terms.limits import Bound, bound
from trainsense.probes.loss_terms.operands import Operands
from trainsense.probes.loss_terms.recognised import Classified, Compared, Recogniser
from trainsense.probes.structure import Graph, LiveLoss
from trainsense.records.evidence.loss_terms import LossKind
from trainsense.records.location import Location

_EXACT: Final = 1e-3
"""Probabilities sum to 1 within this."""
_HALF: Final = 2e-2
"""The same in half precision."""
_ABOVE_ONE: Final = 1e-3
"""Log-probabilities above this are none."""
_OUTSIDE: Final = 1e-2
"""Binary targets further than this outside [0, 1] are no rounding."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Figures of one term on one batch; means over `count` predictions.

    Attributes:
        kind: what it is.
        parameter: the parameter whose layer gives the predictions.
        location: where the loss is called; file and line as far as they were noted.
        count: number of predictions.
        value: mean loss, recomputed: without the user's reduction and weights.
        classes: width for classes, else None.
        bound: of the predictions.
        bound_location: where what bounds them is called.
        missed: mean squared distance of targets to the bounds.
        floor: lowest loss within the bounds above that without them; None without bounds.
        highest: highest score of each class, where a ReLU gives the scores.
        probabilities: what the scores are, if probabilities.
        unnormalised: whether log-probabilities are none.
        outside: share of binary targets outside [0, 1].
        targets: sum and sum of squares of targets over the batch, per element of an example; None for classes.
        rows: number of examples behind `targets`.
        target_low: smallest target.
        target_high: largest target.
        labels: class labels in the shape in which they go in, on the host; None for other targets.
        ignored: the label that stands for none.
    """

    kind: LossKind
    parameter: str
    location: Location
    count: int
    value: float
    classes: int | None = None
    bound: Bound | None = None
    bound_location: Location | None = None
    missed: float | None = None
    floor: float | None = None
    highest: Tensor | None = None
    probabilities: Literal["", "softmax", "sigmoid"] = ""
    unnormalised: bool = False
    outside: float | None = None
    targets: tuple[Tensor, Tensor] | None = None
    rows: int = 0
    target_low: float = math.inf
    target_high: float = -math.inf
    labels: Tensor | None = None
    ignored: int | None = None


def readings(live: LiveLoss, operands: Operands) -> Iterator[Reading]:
    """Yield what each recognised part of a loss shows.

    Args:
        live: the loss, not yet differentiated.
        operands: what was noted while it was computed.
    """
    for term in Recogniser(live, operands).terms():
        found = _compared(live, term) if isinstance(term, Compared) else _classified(live, term)
        if found is not None:
            yield found


def _compared(live: LiveLoss, term: Compared) -> Reading | None:
    predictions, targets = term.predictions.cpu().double(), term.targets.cpu().double()
    if not bool(torch.isfinite(targets).all()):
        return None
    limits = bound(live, term.source)
    rows = targets.shape[0] if targets.dim() > 0 else 1
    squared = term.kind == "squared error"
    logits = term.kind == "binary cross-entropy with logits"
    return Reading(
        kind=term.kind,
        parameter=_parameter(live.graph, term.source),
        location=_location(live, term.op, term.source),
        count=targets.numel(),
        value=_value(term.kind, predictions, targets),
        bound=limits,
        bound_location=None if limits is None else _location(live, limits.op, limits.op),
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
    if limits is not None and limits.kind == "Sigmoid":
        return "sigmoid"
    several = predictions.dim() > 1 and predictions.shape[-1] > 1
    return "softmax" if several and _are_probabilities(predictions.reshape(-1, predictions.shape[-1])) else ""


def _are_probabilities(scores: Tensor) -> bool:
    if scores.shape[1] < 2:
        return False
    error = _HALF if scores.dtype in {torch.float16, torch.bfloat16} else _EXACT
    sums = scores.float().sum(dim=1)
    return bool((scores >= -_EXACT).all()) and bool(((sums - 1).abs() <= error).all())


def _classified(live: LiveLoss, term: Classified) -> Reading | None:
    classes = term.log_probabilities.shape[1]
    counted, value = _likelihood(term)
    if counted == 0 or not math.isfinite(value):
        return None
    limits = bound(live, term.source)
    width = math.inf if limits is None else limits.high - limits.low
    floor = math.log1p((classes - 1) * math.exp(-width)) if math.isfinite(width) and term.labels is not None else None
    like_relu = limits is not None and limits.low == 0 and term.scores is not None and limits.kind != "Softmax"
    return Reading(
        kind=term.kind,
        parameter=_parameter(live.graph, term.source),
        location=_location(live, term.op, term.source),
        count=counted,
        value=value,
        classes=classes,
        bound=limits,
        bound_location=None if limits is None else _location(live, limits.op, limits.op),
        floor=floor,
        highest=term.scores.amax(dim=0).float().cpu() if like_relu and term.scores is not None else None,
        probabilities=_probabilities(term, limits),
        unnormalised=term.kind == "negative log-likelihood" and _is_unnormalised(term.log_probabilities),
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
    if limits is not None and limits.kind == "Sigmoid":
        return "sigmoid"
    if term.scores is not None:
        return "softmax" if _are_probabilities(term.scores) else ""
    return "softmax" if limits is not None and limits.kind == "Softmax" else ""


def _is_unnormalised(log_probabilities: Tensor) -> bool:
    sums = torch.logsumexp(log_probabilities.float(), dim=1)
    return bool((log_probabilities > _ABOVE_ONE).any()) and bool((sums.abs() > 0.1).float().mean() > 0.5)


def _parameter(graph: Graph, index: int) -> str:
    """Return the last parameter on the way to an operation."""
    seen: set[int] = set()
    waiting = [index]
    for one in waiting:
        name = next(graph.parameters(one), "")
        if name:
            return name
        for source in graph.data_inputs(one):
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return ""


def _location(live: LiveLoss, op: int, source: int) -> Location:
    file, line = live.line(op) or ("", None)
    return Location(module=_parameter(live.graph, source).rpartition(".")[0], file=file, line=line)


def column_figures(found: Sequence[Reading]) -> tuple[float, float]:
    """Return the targets' variance around their means, and their mean square.

    Means are those of each element of an example where all batches have examples of one shape, else of all elements.
    """
    sums = [one.targets for one in found if one.targets is not None]
    rows = sum(one.rows for one in found if one.targets is not None)
    if len({one.shape for one, _ in sums}) == 1 and rows > 2:
        total = torch.stack([one for one, _ in sums]).sum(dim=0)
        squares = torch.stack([two for _, two in sums]).sum(dim=0)
        count = float(rows)
    else:
        total = torch.stack([one.sum() for one, _ in sums]).sum()
        squares = torch.stack([two.sum() for _, two in sums]).sum()
        count = float(sum(one.count for one in found))
    square = squares / count
    variance = (square - (total / count).square()).clamp_min(0.0)
    noise = 1e-12 * square  # what rounding leaves where targets do not vary
    variance = torch.where(variance <= noise, torch.zeros_like(variance), variance)
    return float(variance.mean()), float(square.mean())
