"""Evidence of the look into the layers: what runs forward and back through each, at initialisation and just after."""

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
        loss: training loss, mean over the batches looked at.
        output_gradient: L2 norm of the loss's gradient with respect to what the model's outermost call returns, None where
            the loss does not go through it.
        layers: in the order of their depth.
    """

    step: int
    loss: float
    output_gradient: float | None
    layers: tuple[LayerReading, ...]


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
