"""`Graph`: what a loss is computed from, operation by operation, as autograd recorded it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trainsense.probes.structure.calls import Call
from trainsense.probes.structure.kinds import GRADIENT, LEAF, LOOKUPS, MATMULS, NORMS, RECURRENT


@dataclass(frozen=True, kw_only=True)
class Op:
    """One differentiable operation.

    Attributes:
        kind: autograd's name for it without `Backward0`: "Addmm", "Relu"; "Leaf" for parameters and inputs; with
            "Gradient of" before it if it ran within a backward pass that the loss itself asks for.
        inputs: positions in `Graph.ops` of what made its tensor inputs; None for one that needs no gradient.
        parameter: the parameter's first name if it is one, else the empty string.
        shape: shape of its result; a split has an operation of its own for each part, after that which they are cut from.
        call: position in `Graph.calls` of the innermost module call that it ran in, None outside of all.
        number: autograd's number of it, which grows as operations run; -1 for leaves.
        details: constants of the operation, such as a slope.
    """

    kind: str
    inputs: tuple[int | None, ...]
    parameter: str
    shape: tuple[int, ...]
    call: int | None
    number: int
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What a loss is computed from.

    Attributes:
        ops: operations, each after those that it uses; the last one is the loss.
        calls: module calls, each after the one around it.
    """

    ops: tuple[Op, ...]
    calls: tuple[Call, ...]

    @cached_property
    def users(self) -> tuple[tuple[int, ...], ...]:
        """For each operation, those that use its result, in order."""
        found: list[dict[int, None]] = [{} for _ in self.ops]
        for index, op in enumerate(self.ops):
            for source in op.inputs:
                if source is not None:
                    found[source][index] = None
        return tuple(tuple(users) for users in found)

    @cached_property
    def data(self) -> tuple[bool, ...]:
        """For each operation, whether its result depends on the batch, not on parameters alone."""
        found: list[bool] = []
        for op in self.ops:
            if op.kind == LEAF:
                found.append(not op.parameter)
                continue
            known = any(source is not None and found[source] for source in op.inputs)
            found.append(known or _reads_data(op))
        return tuple(found)

    @cached_property
    def ancestors(self) -> tuple[int, ...]:
        """For each operation, the set of operations that its result depends on, itself included, as bits."""
        found: list[int] = []
        for index, op in enumerate(self.ops):
            bits = 1 << index
            for source in op.inputs:
                if source is not None:
                    bits |= found[source]
            found.append(bits)
        return tuple(found)

    @cached_property
    def applications(self) -> Mapping[str, frozenset[int]]:
        """For each parameter, the operations that apply it to data, those of gradients left out."""
        found: dict[str, set[int]] = {}
        for index, op in enumerate(self.ops):
            if self.data[index] and not op.kind.startswith(GRADIENT):
                for name in self.parameters(index):
                    found.setdefault(name, set()).add(index)
        return {name: frozenset(ops) for name, ops in found.items()}

    def depends(self, later: int, earlier: int) -> bool:
        """Return whether `later` is computed from `earlier` (or is it)."""
        return bool(self.ancestors[later] >> earlier & 1)

    def data_inputs(self, index: int) -> tuple[int, ...]:
        """Return the inputs of an operation that depend on the batch."""
        return tuple(source for source in self.ops[index].inputs if source is not None and self.data[source])

    def parameter_inputs(self, index: int) -> tuple[int, ...]:
        """Return the inputs of an operation that depend on parameters alone."""
        return tuple(source for source in self.ops[index].inputs if source is not None and not self.data[source])

    def parameters(self, index: int) -> Iterator[str]:
        """Yield the names of the parameters that an operation applies to its data."""
        stack = list(reversed(self.parameter_inputs(index)))
        while stack:
            op = self.ops[stack.pop()]
            if op.parameter:
                yield op.parameter
            stack.extend(source for source in reversed(op.inputs) if source is not None)

    def modules(self, index: int) -> Iterator[Call]:
        """Yield the module calls that an operation ran in, the innermost first."""
        call = self.ops[index].call
        while call is not None:
            yield self.calls[call]
            call = self.calls[call].parent

    def norm_call(self, index: int) -> int | None:
        """Return the call of the normalisation module that an operation is part of, None if it is part of none."""
        call = self.ops[index].call
        while call is not None:
            if self.calls[call].is_norm:
                return call
            call = self.calls[call].parent
        return None


def _reads_data(op: Op) -> bool:
    """Return whether an operation on parameters alone takes the batch in, by an input that needs no gradient."""
    if op.kind in LOOKUPS or op.kind in RECURRENT:
        return True
    if op.kind in NORMS:
        return op.inputs[0] is None
    factors = op.inputs[1:] if op.kind in {"Addmm", "Baddbmm", "Addbmm"} else op.inputs[:2]
    return op.kind in MATMULS and None in factors
