"""The layers: what runs forward and back through each, at initialisation and through a short warm start."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.probes.layers import LayersSeen, look_into_layers
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence.layers import LayerReading, LayerSnapshot, LayerStatistics
from trainsense.runners.bench import Bench

STEPS: Final = (0, 1, 2, 5, 10, 20)
"""Steps of the warm start that are looked at: dense where most happens."""
FEWEST_BATCHES: Final = 2
"""So many are looked at, if there are, however long it takes."""


class _Steps:
    """Notes norms of weights, gradients and updates while the warm start trains."""

    def __init__(self) -> None:
        self.weights: dict[int, dict[str, float]] = {}
        self.gradients: dict[int, dict[str, float]] = {}
        self.updates: dict[int, dict[str, float]] = {}
        self.latest: dict[str, float] = {}
        self._before: dict[str, Tensor] = {}

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """Note weights and gradients."""
        if step not in STEPS:
            return
        held = dict(_matrices(model))
        self._before = {name: one.detach().clone() for name, one in held.items()}
        self.weights[step] = _norms(self._before)
        self.gradients[step] = _norms({name: one.grad for name, one in held.items() if one.grad is not None})

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """Note updates."""
        if self._before:
            self.updates[step] = _norms(
                {name: one.detach() - self._before[name] for name, one in _matrices(model) if name in self._before}
            )
            self._before = {}


def _matrices(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return ((name, one) for name, one in model.named_parameters() if one.dim() > 1)


def _norms(tensors: dict[str, Tensor]) -> dict[str, float]:
    with torch.no_grad():
        norms = [one.detach().to_dense().float().norm() for one in tensors.values()]
        return dict(zip(tensors, torch.stack(norms).tolist() if norms else [], strict=True))


def _measure(look: Look, steps: _Steps) -> LayerStatistics:
    batches = look.bench.survey_batches[: look.repeats(look.seconds / 2, fewest=FEWEST_BATCHES, recorded=True)]
    fresh = look_into_layers(look.fresh_model(), look.loss, batches)
    snapshots = [_first(fresh, steps)]
    snapshots += [_between(fresh, steps, step) for step in STEPS[1:] if step in steps.weights]
    blind = [_unseen(fresh)] if fresh.opaque else []
    warmed = None
    if math.isfinite(look.warm_start.loss) and look.warm_start.steps:
        warmed = look_into_layers(look.warmed, look.loss, batches)
        snapshots = [one for one in snapshots if one.step < look.warm_start.steps]
        snapshots.append(_full(warmed, look.warm_start.steps))
    else:
        blind.append("The model could not be looked into after the warm start, which left no finite loss.")
    return LayerStatistics(
        lr=look.warm_start.lr,
        examples=min(fresh.examples, fresh.examples if warmed is None else warmed.examples),
        snapshots=tuple(snapshots),
        blind=tuple(blind),
    )


def _unseen(seen: LayersSeen) -> str:
    names = ", ".join(seen.opaque[:3]) + (", …" if len(seen.opaque) > 3 else "")
    return f"What autograd functions of your own do inside is not seen: {names}."


def _full(seen: LayersSeen, step: int) -> LayerSnapshot:
    return LayerSnapshot(step=step, loss=seen.loss, output_gradient=seen.output_gradient, layers=seen.readings)


def _first(seen: LayersSeen, steps: _Steps) -> LayerSnapshot:
    snapshot = _full(seen, 0)
    ratios = _update_ratios(steps, 0)
    return replace(
        snapshot, layers=tuple(replace(one, update_ratio=ratios.get(one.parameter)) for one in snapshot.layers)
    )


def _between(seen: LayersSeen, steps: _Steps, step: int) -> LayerSnapshot:
    ratios = _update_ratios(steps, step)
    layers = tuple(
        LayerReading(
            parameter=one.parameter,
            module=one.module,
            kind=one.kind,
            depth=one.depth,
            size=one.size,
            units=one.units,
            on_chain=one.on_chain,
            last=one.last,
            normed=one.normed,
            weight_norm=steps.weights[step].get(one.parameter, math.nan),
            gradient_norm=steps.gradients[step].get(one.parameter),
            update_ratio=ratios.get(one.parameter),
        )
        for one in seen.readings
    )
    return LayerSnapshot(step=step, loss=math.nan, output_gradient=None, layers=layers, full=False)


def _update_ratios(steps: _Steps, step: int) -> dict[str, float]:
    weights = steps.weights.get(step, {})
    updates = steps.updates.get(step, {})
    return {name: update / weights[name] for name, update in updates.items() if weights.get(name)}


def _watch(bench: Bench) -> _Steps:  # noqa: ARG001
    return _Steps()


MEASUREMENT: Final = Measurement(gives=LayerStatistics, measure=_measure, watch=_watch)
