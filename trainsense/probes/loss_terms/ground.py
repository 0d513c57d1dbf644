"""`Ground`: a computed loss and what went into it, as far as recognising its parts needs it."""

from functools import cached_property

from trainsense.probes.loss_terms.operands import Operands, Positions
from trainsense.probes.structure import LiveLoss, layer
from trainsense.probes.structure.kinds import LEAF


class Ground:
    """A loss with the operands of its parts.

    Args:
        live: the loss, not yet differentiated.
        operands: what was noted while it was computed.
    """

    def __init__(self, live: LiveLoss, operands: Operands) -> None:
        self.live = live
        self.graph = live.graph
        self.noted = operands.noted
        self.position = Positions(live)

    def learned(self, index: int | None) -> bool:
        """Return whether an operation's result depends on the batch and on parameters."""
        return index is not None and self.graph.data[index] and bool(self.graph.ancestors[index] & self._parameter_bits)

    def in_model(self, index: int) -> bool:
        """Return whether a linear, convolutional or recurrent layer reads an operation's result: it is no loss then."""
        return bool(self._ahead_of_layers >> index & 1)

    @cached_property
    def _parameter_bits(self) -> int:
        return sum(1 << index for index, op in enumerate(self.graph.ops) if op.kind == LEAF and op.parameter)

    @cached_property
    def _ahead_of_layers(self) -> int:
        found = 0
        for index in range(len(self.graph.ops)):
            own = layer(self.graph, index)
            if own is not None and own.affine:
                found |= self.graph.ancestors[index]
        return found
