"""The look at the loss: what it compares, where it begins, what its labels are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.batches import example_count
from trainsense.probes.loss_terms import (
    Crossing,
    Ground,
    Key,
    Operands,
    Origin,
    Reading,
    combined,
    counted,
    crossings,
    fewer_examples,
    is_vocabulary,
    key,
    last_layers,
    origin,
    readings,
    zeroed,
)
from trainsense.probes.structure import live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import LossTerms
from trainsense.records.evidence.loss_terms import Broadcast, Labels

LABEL_BATCHES: Final = 64
"""Training batches whose labels are read."""
WARMED_BATCHES: Final = 3
"""Batches that the warmed model is looked at with."""
FEWEST_BATCHES: Final = 2
"""Looked at even where that takes longer than it should."""


@dataclass(frozen=True, kw_only=True)
class _View:
    """The loss of one batch.

    Attributes:
        batch: its position among the batches.
        loss: its value.
        readings: of its recognised parts.
        crossings: of its operands.
        last: parameters of the last layers.
        origins: of class labels, by term.
        vocabularies: terms whose classes are tokens of the inputs.
    """

    batch: int
    loss: float
    readings: tuple[Reading, ...]
    crossings: tuple[Crossing, ...]
    last: tuple[str, ...] = ()
    origins: dict[Key, Origin | None] = field(default_factory=dict)
    vocabularies: frozenset[Key] = frozenset()


def _measure(look: Look, watcher: object) -> LossTerms:  # noqa: ARG001 - nothing looks on during the warm start
    model = look.fresh_model()
    batches = look.bench.survey_batches
    first = _view(look, model, 0, batches[0], whole=True)
    most = look.repeats(look.seconds / 2, fewest=FEWEST_BATCHES, recorded=True)
    views = [first, *_more(look, model, range(1, min(most, len(batches))))]
    most = look.repeats(look.seconds / 4, fewest=FEWEST_BATCHES, recorded=True)
    warmed = list(_more(look, look.warmed, range(min(most, WARMED_BATCHES, len(batches)))))
    fresh = _by_term(views)
    after = _by_term(warmed)
    terms = tuple(
        combined(found, after.get(term, []), _labels(look, first, term, found)) for term, found in fresh.items()
    )
    zero = [] if terms else _zeroed(look, model, first.last, [one.batch for one in views])
    return LossTerms(
        terms=terms,
        broadcasts=tuple(_broadcasts(look, model, views)),
        examples=max(example_count(batch) for batch in batches),
        batches=len(views),
        loss=sum(one.loss for one in views) / len(views),
        warmed_loss=sum(one.loss for one in warmed) / len(warmed) if warmed else None,
        zeroed_loss=sum(zero) / len(zero) if zero else None,
        least_ratio=min(one.loss / without for one, without in zip(views, zero, strict=True))
        if _positive(zero)
        else None,
    )


def _view(look: Look, model: nn.Module, index: int, batch: Any, *, whole: bool = False) -> _View:
    """Look at the loss of one batch; the `whole` of it, with lines and labels, where asked."""
    operands = Operands()

    def loss(copy: nn.Module) -> Tensor:
        with operands.watching(copy):
            return look.loss(copy, batch)

    live = live_loss(model, loss, lines=whole)
    ground = Ground(live, operands)
    found = tuple(readings(ground))
    labelled = {key(one): one for one in reversed(found) if one.labels is not None} if whole else {}
    return _View(
        batch=index,
        loss=float(live.loss.detach()),
        readings=found,
        crossings=tuple(crossings(ground)),
        last=last_layers(live.graph) if whole else (),
        origins={
            term: origin(batch, one.labels, one.ignored) for term, one in labelled.items() if one.labels is not None
        },
        vocabularies=frozenset(
            term
            for term, one in labelled.items()
            if one.labels is not None and is_vocabulary(live, batch, one.labels, one.classes or 0)
        ),
    )


def _more(look: Look, model: nn.Module, indices: range) -> Iterator[_View]:
    """Yield views of further batches; a batch that the loss fails on shows in its labels."""
    for index in indices:
        try:
            yield _view(look, model, index, look.bench.survey_batches[index])
        except Exception:  # noqa: BLE001, S112 - out-of-range labels, most likely: they are counted apart
            continue


def _by_term(views: list[_View]) -> dict[Key, list[Reading]]:
    found: dict[Key, list[Reading]] = {}
    for view in views:
        for one in view.readings:
            found.setdefault(key(one), []).append(one)
    return found


def _labels(look: Look, first: _View, term: Key, found: list[Reading]) -> Labels | None:
    """Return the labels of a term: of many batches where they are a tensor of the batch, else of those looked at."""
    labels = [one.labels for one in found if one.labels is not None]
    classes, ignored = found[0].classes, found[0].ignored
    if not labels or classes is None:
        return None
    source = first.origins.get(term)
    if source is not None:
        read = [source.labels(batch) for batch in look.bench.replays[look.seed].first(LABEL_BATCHES)]
        labels = [one for one in read if one is not None]
    vocabulary = term in first.vocabularies
    where = "" if source is None else source.path
    return counted(labels, classes=classes, ignored=ignored, where=where, vocabulary=vocabulary)


def _broadcasts(look: Look, model: nn.Module, views: list[_View]) -> Iterator[Broadcast]:
    """Yield the broadcasts of examples with each other: the sizes that meet follow the batch's."""
    batch = look.bench.survey_batches[0]
    for crossing in views[0].crossings:
        examples = crossing.examples
        confirmed = examples == example_count(batch)
        if examples > 2:
            try:
                fewer = _view(look, model, 0, fewer_examples(batch, examples)).crossings
            except Exception:  # noqa: BLE001 - a loss that takes no other batch size
                fewer = ()
            else:
                confirmed = any(
                    one.broadcast.operation == crossing.broadcast.operation and one.examples < examples for one in fewer
                )
        if confirmed:
            yield crossing.broadcast


def _zeroed(look: Look, model: nn.Module, names: tuple[str, ...], indices: list[int]) -> list[float]:
    """Return the losses of some batches with the last layers zeroed; none where that can't be had."""
    if not names or look.bench.seen.needs_gradient:
        return []
    changed = zeroed(model, names)
    with torch.no_grad():
        return [float(look.loss(changed, look.bench.survey_batches[index])) for index in indices]


def _positive(losses: list[float]) -> bool:
    return bool(losses) and min(losses) > 0


MEASUREMENT: Final = Measurement(gives=LossTerms, measure=_measure)
"""What the loss is made of."""
