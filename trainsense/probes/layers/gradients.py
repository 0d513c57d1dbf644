"""Gradients on their way back: at what the model returns, and at the time steps of recurrent layers."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from trainsense.batches import tensors_of
from trainsense.probes.layers.weights import Weight
from trainsense.probes.structure import LiveLoss
from trainsense.probes.structure.kinds import RECURRENT


class OutputGradients:
    """Gradients of the loss with respect to what the outermost call of a model returns."""

    def __init__(self) -> None:
        self._squares: list[Tensor] = []

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Note the gradients of what `model`, or a copy that is made meanwhile, returns."""

        def note(gradient: Tensor) -> None:
            self._squares.append(gradient.detach().float().square().sum())

        def returned(module: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG001 - a function: hooks are copied
            for _, tensor in tensors_of(output):
                if tensor.requires_grad and tensor.dim() > 0 and tensor.is_floating_point():
                    tensor.register_hook(note)  # type: ignore[no-untyped-call]

        handle = model.register_forward_hook(returned)
        try:
            yield
        finally:
            handle.remove()

    def norm(self) -> float | None:
        """Return their L2 norm, None where none came back."""
        return math.sqrt(sum(float(square) for square in self._squares)) if self._squares else None


class TimeGradients:
    """Gradients at the time steps of recurrent layers.

    Args:
        live: a loss that is about to be differentiated.
        weights: the model's weights.
    """

    def __init__(self, live: LiveLoss, weights: Sequence[Weight]) -> None:
        self._norms: dict[str, list[float]] = {}
        for weight in weights:
            if weight.kind == "recurrent":
                self._watch(live, weight)

    def first_and_last(self, name: str) -> tuple[float, float] | None:
        """Return the gradient at the first time step and that at the last one that has any; None where it is not known."""
        norms = self._norms.get(name, [])
        reached = [norm for norm in norms if norm > 0]
        return (norms[0], reached[-1]) if len(norms) > 1 and reached else None

    def _watch(self, live: LiveLoss, weight: Weight) -> None:
        first = weight.uses[0]
        if weight.through_time:
            self._norms[weight.name] = [0.0] * len(weight.uses)
            for time, use in enumerate(weight.uses):
                live.nodes[use].register_prehook(self._step(weight.name, time))
        elif live.graph.ops[first].kind in RECURRENT and len(weight.uses) == 1:
            live.nodes[first].register_hook(self._fused(weight.name, live.nodes[first]))

    def _step(self, name: str, time: int) -> Any:
        def note(gradients: Sequence[Tensor | None]) -> None:
            if gradients[0] is not None:
                self._norms[name][time] = float(torch.linalg.vector_norm(gradients[0].detach().float()))

        return note

    def _fused(self, name: str, node: Any) -> Any:
        """Note the gradient of what a fused layer reads, step by step: its first tensor, time first."""
        backwards = bool(getattr(node, "_saved_reverse", False))
        batch_first = bool(getattr(node, "_saved_batch_first", False)) and "Mkldnn" not in node.name()

        def note(gradients: Sequence[Tensor | None], _: object) -> None:
            read = gradients[0]
            if read is not None and read.dim() == 3:
                steps = read.detach().transpose(0, 1) if batch_first else read.detach()
                norms = torch.linalg.vector_norm(steps.float().flatten(1), dim=1).tolist()
                self._norms[name] = norms[::-1] if backwards else norms

        return note
