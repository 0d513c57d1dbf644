"""What the operation that gives the predictions keeps them within."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from trainsense.probes.structure import LiveLoss
from trainsense.probes.structure.kinds import PARTS, RESHAPES

_INF: Final = math.inf
_SELECTS: Final = PARTS | {"Index", "IndexSelect", "MaskedSelect", "Gather"}
_FIXED: Final = {
    "Sigmoid": (0.0, 1.0),
    "Hardsigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "Sin": (-1.0, 1.0),
    "Cos": (-1.0, 1.0),
    "Relu": (0.0, _INF),
    "Softplus": (0.0, _INF),
    "Exp": (0.0, _INF),
    "Abs": (0.0, _INF),
    "Sqrt": (0.0, _INF),
    "Gelu": (-0.17, _INF),
    "Silu": (-0.2785, _INF),
    "Mish": (-0.3089, _INF),
    "Hardswish": (-0.375, _INF),
    "LogSigmoid": (-_INF, 0.0),
    "LogSoftmax": (-_INF, 0.0),
}
"""Ranges of operations without constants; the smooth ReLUs' to the last digit upwards, so that nothing is claimed wrongly."""


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


_RISING: Final[dict[str, Callable[[float], float]]] = {
    "Sigmoid": _sigmoid,
    "Tanh": math.tanh,
    "Exp": lambda value: math.exp(min(value, 700.0)),
    "Softplus": lambda value: value if value > 30 else math.log1p(math.exp(value)),
    "Relu": lambda value: max(value, 0.0),
}
"""Rising functions: bounds of what goes in become bounds of what comes out."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """An operation whose results are bounded.

    Attributes:
        op: its position.
        kind: autograd's name for it.
        low: lower bound, -inf without one.
        high: upper bound, inf without one.
    """

    op: int
    kind: str
    low: float
    high: float


def producer(live: LiveLoss, index: int) -> int:
    """Return the operation whose results an operation hands on, reshaped, cast or picked from, at most."""
    graph = live.graph
    while graph.ops[index].kind in RESHAPES | _SELECTS and len(graph.data_inputs(index)) == 1:
        index = graph.data_inputs(index)[0]
    return index


def bound(live: LiveLoss, index: int) -> Bound | None:
    """Return the bounds of an operation's results, None where there are none that its kind tells.

    Scaling, shifts and sums make an end of what is known: `5 * sigmoid(x)` is not looked into.

    Args:
        live: the loss.
        index: the operation.
    """
    found = producer(live, index)
    kind = live.graph.ops[found].kind
    own = _FIXED.get(kind) or _by_constants(live, found, kind)
    if own is None:
        return None
    inner = live.graph.data_inputs(found)
    rising = _RISING.get(kind)
    if rising is not None and len(inner) == 1 and (inside := bound(live, inner[0])) is not None:
        low = rising(inside.low) if math.isfinite(inside.low) else own[0]
        high = rising(inside.high) if math.isfinite(inside.high) else own[1]
        own = (low, high)
    return Bound(op=found, kind=kind, low=own[0], high=own[1])


def _by_constants(live: LiveLoss, index: int, kind: str) -> tuple[float, float] | None:
    node = live.nodes[index]
    if kind == "Hardtanh":
        return _number(node, "min_val", -_INF), _number(node, "max_val", _INF)
    if kind in {"Clamp", "ClampMin", "ClampMax"}:
        return _number(node, "min", -_INF), _number(node, "max", _INF)
    if kind == "Elu":
        return -_number(node, "alpha", _INF) * _number(node, "scale", _INF), _INF
    if kind == "Celu":
        return -_number(node, "alpha", _INF), _INF
    if kind == "Pow" and _number(node, "exponent", 1.0) % 2 == 0:
        return 0.0, _INF
    return None


def _number(node: Any, name: str, default: float) -> float:
    value = getattr(node, f"_saved_{name}", None)
    return float(value) if isinstance(value, (int, float)) else default
