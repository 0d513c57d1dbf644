"""One full look into the layers: several batches forward and back, on copies of the model."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction

from trainsense.batches import example_count
from trainsense.probes.layers.forwards import Forwards
from trainsense.probes.layers.gradients import OutputGradients, TimeGradients
from trainsense.probes.layers.symmetry import identical_share
from trainsense.probes.layers.tally import Mean, Tally
from trainsense.probes.layers.weights import Weight, weights
from trainsense.probes.modes import probe_mode
from trainsense.probes.structure import Graph, LiveLoss, live_loss
from trainsense.probes.structure.kinds import CUSTOM
from trainsense.records.evidence.layers import LayerReading


@dataclass(frozen=True, kw_only=True)
class LayersSeen:
    """What a full look brings back.

    Attributes:
        loss: mean over the batches.
        output_gradient: L2 norm of the gradient of what the outermost call returns, root mean square over the batches.
        readings: one for each layer, in the order of their first use.
        examples: examples that were looked at.
        opaque: names of autograd functions of the user's own, whose inside autograd does not show.
    """

    loss: float
    output_gradient: float | None
    readings: tuple[LayerReading, ...]
    examples: int
    opaque: tuple[str, ...]


def look_into_layers(model: nn.Module, loss: Callable[[nn.Module, Any], Tensor], batches: Sequence[Any]) -> LayersSeen:
    """Look into the layers of a model that is left as it was.

    Dropout is off and norms use batch statistics, as far as the model works so; else it is looked at as it is.

    Args:
        model: in training mode.
        loss: `(model, batch) -> loss`; draws from the global generators what the user's code draws.
        batches: at least one, on the model's device.

    Raises:
        Exception: whatever copying the model or the user's loss raises.
    """
    try:
        with probe_mode(model, example_count(batches[0]), gradient=True):
            return _look(model, loss, batches)
    except Exception:  # noqa: BLE001 - a model that needs training mode: fused recurrent layers on GPUs, detection models
        return _look(model, loss, batches)


def _look(model: nn.Module, loss: Callable[[nn.Module, Any], Tensor], batches: Sequence[Any]) -> LayersSeen:
    gathering = _Gathering()
    for batch in batches:
        gathering.add(model, partial(_of_batch, loss, batch), example_count(batch))
    return gathering.seen()


def _of_batch(loss: Callable[[nn.Module, Any], Tensor], batch: Any, model: nn.Module) -> Tensor:
    return loss(model, batch)


class _Gathering:
    """Adds up batch by batch."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.order: dict[str, float] = {}
        self.losses: list[float] = []
        self.outputs = Mean()
        self.examples = 0
        self.known: tuple[Any, tuple[Weight, ...]] | None = None
        self.opaque: dict[str, None] = {}

    def add(self, model: nn.Module, loss: Callable[[nn.Module], Tensor], examples: int) -> None:
        """Look at one batch."""
        forwards, outputs = Forwards(), OutputGradients()
        with outputs.watching(model):
            with forwards:
                live = live_loss(model, loss, lines=not self.losses)
            self.losses.append(float(live.loss.detach()))
            self.examples += examples
            if not live.graph.ops:
                return
            found = self._weights(live)
            times = TimeGradients(live, found)
            self._forward(live, found, forwards)
            live.loss.backward()  # type: ignore[no-untyped-call]
        norm = outputs.norm()
        if norm is not None:
            self.outputs.add(norm**2)
        self._backward(live, found, times)

    def seen(self) -> LayersSeen:
        """Return what it all comes to."""
        tallies = list(self.tallies.values())
        return LayersSeen(
            loss=math.fsum(self.losses) / len(self.losses),
            output_gradient=self.outputs.root(),
            readings=tuple(tally.reading(depth) for depth, tally in enumerate(tallies)),
            examples=self.examples,
            opaque=tuple(self.opaque),
        )

    def _weights(self, live: LiveLoss) -> tuple[Weight, ...]:
        key = tuple((op.kind, op.inputs, op.parameter) for op in live.graph.ops)
        if self.known is None or self.known[0] != key:
            self.known = key, weights(live.graph, live.model)
        return self.known[1]

    def _forward(self, live: LiveLoss, found: Sequence[Weight], forwards: Forwards) -> None:
        parameters = dict(live.model.named_parameters(remove_duplicate=False))
        self.opaque |= {
            op.kind.removeprefix(CUSTOM): None
            for op, node in zip(live.graph.ops, live.nodes, strict=True)
            if isinstance(node, BackwardCFunction)
        }
        for weight in found:
            if weight.name not in self.tallies:
                self.tallies[weight.name] = _begun(weight, parameters[weight.name], live.line(weight.uses[0]))
            tally = self.tallies[weight.name]
            for use, activation in zip(weight.uses, weight.activations, strict=True):
                given = forwards.given.get(live.graph.ops[use].number)
                if given is not None:
                    tally.gives(given, _data_slot(live.graph, use))
                if activation is not None:
                    tally.activation = tally.activation or live.graph.ops[activation].kind
                    after = forwards.given.get(live.graph.ops[activation].number)
                    if after is not None:
                        tally.activates(after)

    def _backward(self, live: LiveLoss, found: Sequence[Weight], times: TimeGradients) -> None:
        parameters = dict(live.model.named_parameters(remove_duplicate=False))
        for weight in found:
            tally, parameter = self.tallies[weight.name], parameters[weight.name]
            gradient = None if parameter.grad is None else parameter.grad.to_dense()
            tally.differentiated(gradient)
            tally.through_time(times.first_and_last(weight.name))
            if tally.identical is None and gradient is not None and weight.kind not in {"embedding", "other"}:
                tally.identical = identical_share(parameter, gradient, weight.unit_axis)


def _begun(weight: Weight, parameter: Tensor, line: tuple[str, int] | None) -> Tally:
    return Tally(
        weight=weight,
        size=parameter.numel(),
        units=parameter.shape[weight.unit_axis],
        weight_norm=float(parameter.detach().float().norm()),
        line=line,
    )


def _data_slot(graph: Graph, index: int) -> int:
    """Return the position of the data among what an operation reads."""
    op = graph.ops[index]
    slots = (1, 2) if op.kind in {"Addmm", "Baddbmm", "Addbmm"} else (0, 1)
    weights_at = {slot for slot in slots if slot < len(op.inputs) and _is_weight(graph, op.inputs[slot])}
    return next((slot for slot in slots if slot not in weights_at), slots[0])


def _is_weight(graph: Graph, source: int | None) -> bool:
    return source is not None and not graph.data[source]
