"""Evidence of the look into the layers: what runs forward and back through each, at initialisation and just after."""

import math
from dataclasses import dataclass
from typing import Literal

LayerKind = Literal["linear", "convolution", "recurrent", "embedding", "other"]


@dataclass(frozen=True, kw_only=True)
class LayerReading:
    """One weight (a parameter of at least two dimensions that is applied to data) at one step.

    Figures are None where they mean nothing for this layer or could not be had.

    Attributes:
        parameter: the parameter's first name, `layers.3.linear1.weight`.
        module: path of the module that holds it, `layers.3.linear1`; empty for the model itself.
        kind: what it does.
        depth: 0-based position in the order in which the forward pass first applies them.
        size: number of scalars.
        weight_norm: L2 norm of the weight.
        gradient_norm: L2 norm of its gradient, root mean square over the batches looked at.
        update_ratio: norm of the step's update over the weight's norm, None before the first update.
        output_rms: root mean square of what the layer gives, before its activation.
        output_spread: standard deviation of the same across examples, root mean square over units: the part of the
            signal that tells one input from another.
        activation: kind of the activation that its result runs into ("Relu", "Sigmoid", …), empty without one.
        dead: share of the units behind a ReLU-like activation that are zero for every example of every batch.
        saturated: share of unit-example pairs behind a sigmoid or tanh within 5 % of its limits; None for gates.
        identical: share of units whose weights and gradients equal those of another unit of the layer.
        time_ratio: for a recurrent layer, gradient that reaches its first time step over that at its last.
        time_gradient: norm of the gradient that reaches its first time step.
        units: number of its units: outputs of a linear layer, channels of a convolution.
        input_rms: root mean square of what it reads.
        input_spread: standard deviation of the same across examples, root mean square over features.
        normed: whether a norm reads what it gives, which takes its scale out again.
        on_chain: whether it lies on the longest way through the layers, each of which reads what came of the one before.
        last: whether no other layer reads what comes of it: an output layer.
        gated: whether the activation behind it is a gate, or is gated, as in LSTM and GRU; or is the model's own output.
        file: the user's file that first applies it, empty if unknown.
        line: 1-based line there.
    """

    parameter: str
    module: str
    kind: LayerKind
    depth: int
    size: int
    weight_norm: float
    gradient_norm: float | None = None
    update_ratio: float | None = None
    output_rms: float | None = None
    output_spread: float | None = None
    activation: str = ""
    dead: float | None = None
    saturated: float | None = None
    identical: float | None = None
    time_ratio: float | None = None
    time_gradient: float | None = None
    units: int | None = None
    input_rms: float | None = None
    input_spread: float | None = None
    normed: bool = False
    on_chain: bool = False
    last: bool = False
    gated: bool = False
    file: str = ""
    line: int | None = None

    @property
    def gain(self) -> float | None:
        """What the layer gives over what it reads, as root mean squares."""
        return self.output_rms / self.input_rms if self.output_rms is not None and self.input_rms else None

    @property
    def relative_gradient(self) -> float | None:
        """Gradient norm over weight norm; None for a weight of (nearly) zero, for which that means nothing.

        Below 1e-3 sqrt(size) a weight counts as initialised at zero (PROTOCOL 8).
        """
        if self.gradient_norm is None or self.weight_norm < 1e-3 * self.size**0.5:
            return None
        return self.gradient_norm / self.weight_norm


@dataclass(frozen=True, kw_only=True)
class LayerSnapshot:
    """All layers at one step.

    Attributes:
        step: number of updates made before it; 0 is initialisation.
        loss: training loss, mean over the batches looked at; NaN where none was looked at in full.
        output_gradient: L2 norm of the loss's gradient with respect to what the model's outermost call returns, None where
            the loss does not go through it.
        layers: in the order of their depth.
        full: whether several batches were looked at, forward and back; else gradients and weights of one training step.
    """

    step: int
    loss: float
    output_gradient: float | None
    layers: tuple[LayerReading, ...]
    full: bool = True

    @property
    def gradient_norm(self) -> float:
        """L2 norm of the gradient over the layers shown."""
        return math.hypot(*(one.gradient_norm for one in self.layers if one.gradient_norm is not None))

    @property
    def chain(self) -> tuple[LayerReading, ...]:
        """The layers on the longest way through the model, embeddings left out, in order."""
        return tuple(one for one in self.layers if one.on_chain and one.kind not in {"embedding", "other"})


@dataclass(frozen=True, kw_only=True)
class LayerStatistics:
    """Snapshots from initialisation through a short warm start at the user's learning rate.

    Attributes:
        lr: learning rate of the warm start.
        examples: examples behind each figure at the first and at the last snapshot.
        snapshots: in the order of their steps; the first is at initialisation.
        blind: what could not be looked into, as sentences.
    """

    lr: float
    examples: int
    snapshots: tuple[LayerSnapshot, ...]
    blind: tuple[str, ...] = ()

    @property
    def first(self) -> LayerSnapshot:
        """The look at initialisation."""
        return self.snapshots[0]

    @property
    def warmed(self) -> LayerSnapshot | None:
        """The full look after the warm start, None if there was none."""
        last = self.snapshots[-1]
        return last if last.full and last.step > 0 else None
