"""What goes into the losses and differences that the user's code computes: autograd does not keep all of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from trainsense.probes.structure import LiveLoss

LOSSES: Final = frozenset(
    ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "gaussian_nll_loss", "poisson_nll_loss", "kl_div"]
)
"""Functions that compare two tensors element by element, and broadcast them."""
DIFFERENCES: Final = frozenset(["sub", "subtract", "rsub", "__sub__", "__rsub__"])
_COMBINING: Final = frozenset(
    ["add", "mul", "multiply", "div", "true_divide", "divide", "__radd__", "__rmul__", "__rdiv__", "__rtruediv__"]
)
_NORMALISING: Final = frozenset(["cross_entropy", "log_softmax", "special_log_softmax"])
_FIRST: Final = ("input", "self")
_SECOND: Final = ("target", "other")


@dataclass(frozen=True, kw_only=True)
class Noted:
    """One call.

    Attributes:
        name: torch's name of the function.
        operands: its first two tensors, or its first.
        result: what it gave.
        outside: whether it ran outside of the model's forward.
    """

    name: str
    operands: tuple[Tensor, ...]
    result: Tensor
    outside: bool


class Operands(TorchFunctionMode):
    """Notes the calls that compare, combine or normalise tensors which require a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[Noted] = []
        self._depth = 0

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Note the calls made inside, and which of them the model makes."""

        def enter(*_: object) -> None:
            self._depth += 1

        def leave(*_: object) -> None:
            self._depth -= 1

        handles = [
            model.register_forward_pre_hook(enter),
            model.register_forward_hook(leave, always_call=True),
        ]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function, and note it if it is one of those looked for."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        outside = self._depth == 0
        wanted = name in LOSSES or name in DIFFERENCES or name in _NORMALISING or (outside and name in _COMBINING)
        if wanted and isinstance(result, Tensor) and result.grad_fn is not None:
            operands = tuple(one for one in _operands(args, kwargs) if isinstance(one, Tensor))
            if operands and (name in _NORMALISING or len(operands) == 2):
                self.noted.append(Noted(name=name, operands=operands, result=result, outside=outside))
        return result


def _operands(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    yield from args[:2]
    for position, names in enumerate((_FIRST, _SECOND)):
        if len(args) <= position:
            yield from (kwargs[name] for name in names if name in kwargs)


class Positions:
    """Where in a graph tensors come from.

    Args:
        live: the loss; a graph of which nothing has been freed.
    """

    def __init__(self, live: LiveLoss) -> None:
        self._nodes = live.nodes
        self._first: dict[int, int] = {}
        for index, node in enumerate(live.nodes):
            self._first.setdefault(id(node), index)

    def __call__(self, tensor: Tensor) -> int | None:
        """Return the position of the operation that gave `tensor`, None if the loss does not depend on it."""
        node = tensor.grad_fn
        first = None if node is None else self._first.get(id(node))
        if node is None or first is None:
            return None
        split = first + 1 < len(self._nodes) and self._nodes[first + 1] is node
        return first + 1 + tensor.output_nr if split else first  # the parts of a split share their node
