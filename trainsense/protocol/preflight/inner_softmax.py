"""Do layers read probabilities: looked at on a few batches, at initialisation."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.batches import example_count
from trainsense.probes.normalised import hidden_layers, is_only_way, normalised_readings
from trainsense.probes.operands import location
from trainsense.probes.structure import LiveLoss, live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import InnerSoftmax, NormalisedInput
from trainsense.workload.seeding import seed_all

BATCHES: Final = 2
"""A sum of 1 in every row of two batches is no accident."""
_SAME: Final = 1e-6
"""Values that differ by less from draw to draw are not drawn."""


def measure(look: Look, _: None) -> InnerSoftmax:
    """Look at what each layer reads."""
    model = look.fresh_model().eval()
    batches = look.bench.survey_batches[:BATCHES]
    seen: list[_Seen] = []
    for batch in batches:
        try:
            seen.append(_seen(look, model, batch))
        except Exception:  # noqa: BLE001 - a model that cannot be evaluated, or gives something else then
            seen.append(_seen(look, model.train(), batch))
    keys = [key for key in seen[0].readings if all(key in one.readings for one in seen)]
    return InnerSoftmax(
        layers_seen=max(one.layers for one in seen),
        batches=len(seen),
        normalised=tuple(replace(seen[0].readings[key], sampled=_is_sampled(look, key)) for key in keys),
    )


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What was seen of one batch: the number of hidden layers, and those that read probabilities by their parameters."""

    layers: int
    readings: Mapping[tuple[str, ...], NormalisedInput]


def _seen(look: Look, model: nn.Module, batch: Any) -> _Seen:
    live = _live(look, model, batch)
    found = normalised_readings(live, example_count(batch))
    if found:  # once more, with the lines of the user's code, which cost time
        del live
        live = live_loss(model, lambda one: look.loss(one, batch), lines=True)
        found = normalised_readings(live, example_count(batch))
    cut = frozenset(one.op for one in found)
    readings: dict[tuple[str, ...], NormalisedInput] = {}
    for one in found:
        described = NormalisedInput(
            location=location(live, one.op),
            kind=one.kind,
            features=one.features,
            largest=one.largest,
            only_way=is_only_way(live.graph, cut, one.op),
            sampled=False,
            lookup=one.lookup,
        )
        readings.setdefault(tuple(live.graph.parameters(one.op)), described)
    return _Seen(layers=hidden_layers(live), readings=readings)


def _live(look: Look, model: nn.Module, batch: Any) -> LiveLoss:
    return live_loss(model, lambda one: look.loss(one, batch))


def _is_sampled(look: Look, parameters: tuple[str, ...]) -> bool:
    """Return whether the values differ from draw to draw with dropout off."""
    model, batch = look.fresh_model(), look.bench.survey_batches[0]
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):  # noqa: SLF001 - what all of torch's dropouts are
            module.eval()
    drawn: list[Tensor] = []
    with suppress(Exception):
        for seed in range(2):
            seed_all(seed)
            live = _live(look, model, batch)
            readings = normalised_readings(live, example_count(batch))
            found = [one.values for one in readings if tuple(live.graph.parameters(one.op)) == parameters]
            drawn += [values.clone() for values in found if values is not None][:1]
            del live, readings, found
    if len(drawn) < 2:
        return False
    first, second = drawn
    return first.shape == second.shape and not torch.allclose(first, second, rtol=0.0, atol=_SAME)


MEASUREMENT: Final = Measurement(gives=InnerSoftmax, measure=measure)
