"""`Tally`: what is added up over batches for one layer, and the reading that it comes to."""

import math
from dataclasses import dataclass, field

from torch import Tensor

from trainsense.probes.layers.forwards import Given
from trainsense.probes.layers.weights import Weight
from trainsense.records.evidence.layers import LayerReading


@dataclass(kw_only=True)
class Mean:
    """A mean of squares.

    Attributes:
        total: their sum.
        weight: how many there are.
    """

    total: float = 0.0
    weight: float = 0.0

    def add(self, square: float, weight: float = 1.0) -> None:
        """Add a mean square that stands for `weight` numbers."""
        self.total += square * weight
        self.weight += weight

    def root(self) -> float | None:
        """Return the root of the mean, None of nothing."""
        return math.sqrt(self.total / self.weight) if self.weight else None


@dataclass(kw_only=True)
class Tally:
    """What is added up for one layer.

    Attributes:
        weight: which it is.
        size: number of scalars in it.
        units: number of units.
        weight_norm: its L2 norm.
        line: where the user's code first applies it.
        gradient: of its gradient's norm, over batches.
        output: of what it gives.
        spread: of the same across examples.
        input: of what it reads.
        input_spread: of the same across examples.
        activation: kind of the activation behind it.
        alive: for each unit, whether the activation has let anything of it through.
        saturated: numbers behind a hidden sigmoid or tanh that lie near its limits.
        squashed: all numbers behind one.
        identical: share of units that are the same, in the first batch.
        time_ratio: gradient at the first time step over that at the last, the largest of any batch.
        time_gradient: gradient at the first time step in that batch.
    """

    weight: Weight
    size: int
    units: int
    weight_norm: float
    line: tuple[str, int] | None = None
    gradient: Mean = field(default_factory=Mean)
    output: Mean = field(default_factory=Mean)
    spread: Mean = field(default_factory=Mean)
    input: Mean = field(default_factory=Mean)
    input_spread: Mean = field(default_factory=Mean)
    activation: str = ""
    alive: Tensor | None = None
    saturated: float = 0.0
    squashed: float = 0.0
    identical: float | None = None
    time_ratio: float | None = None
    time_gradient: float | None = None

    def gives(self, given: Given, data_slot: int) -> None:
        """Add what one use of the layer gives."""
        self.output.add(float(given.squares) / given.count, given.count)
        if given.spread is not None:
            self.spread.add(float(given.spread), given.count)
        read = given.inputs[data_slot] if data_slot < len(given.inputs) else None
        if read is not None:
            self.input.add(float(read[0]), given.count)
            self.input_spread.add(float(read[1]), given.count)

    def activates(self, given: Given) -> None:
        """Add what the activation behind one use gives."""
        alive = given.alive_along(1 if self.weight.kind == "convolution" else -1, self.units)
        if alive is not None:
            self.alive = alive if self.alive is None else self.alive | alive
        if given.saturated is not None and not self.weight.gates:
            self.saturated += float(given.saturated)
            self.squashed += given.count

    def differentiated(self, gradient: Tensor | None) -> None:
        """Add the gradient of one batch."""
        self.gradient.add(0.0 if gradient is None else float(gradient.detach().float().norm()) ** 2)

    def through_time(self, norms: tuple[float, float] | None) -> None:
        """Keep the batch in which the gradient grows most on its way to the first time step, from that at the last."""
        if norms is not None and norms[0] / norms[1] > (self.time_ratio or -1.0):
            self.time_ratio, self.time_gradient = norms[0] / norms[1], norms[0]

    def reading(self, depth: int) -> LayerReading:
        """Return what it comes to."""
        name = self.weight.name
        return LayerReading(
            parameter=name,
            module=name.rpartition(".")[0],
            kind=self.weight.kind,
            depth=depth,
            size=self.size,
            weight_norm=self.weight_norm,
            gradient_norm=self.gradient.root(),
            output_rms=self.output.root(),
            output_spread=self.spread.root(),
            activation=self.activation,
            dead=None if self.alive is None else 1.0 - float(self.alive.float().mean()),
            saturated=self.saturated / self.squashed if self.squashed else None,
            identical=self.identical,
            time_ratio=self.time_ratio,
            time_gradient=self.time_gradient,
            units=self.units,
            input_rms=self.input.root(),
            input_spread=self.input_spread.root(),
            normed=self.weight.normed,
            on_chain=self.weight.on_chain,
            last=self.weight.last,
            gated=self.weight.gates,
            file=self.line[0] if self.line else "",
            line=self.line[1] if self.line else None,
        )
