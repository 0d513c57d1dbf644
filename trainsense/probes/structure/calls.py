"""Which module call each operation ran in."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from trainsense.batches import map_tensors


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a module.

    Attributes:
        path: the module's path in the model, as in `model.named_modules()`; empty for the model itself.
        parent: position of the call around it, None if there is none.
        module: the module's class.
        args: its positional arguments, as far as they are plain constants (None, numbers, strings), else `...`.
        kwargs: its keyword arguments, likewise.
        is_norm: whether it is a normalisation layer.
    """

    path: str
    parent: int | None
    module: type[nn.Module]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    is_norm: bool = False


def is_norm_layer(module: nn.Module) -> bool:
    """Return whether a module is a normalisation layer: it and all within it are called norms.

    >>> is_norm_layer(nn.BatchNorm1d(2)), is_norm_layer(nn.Linear(2, 2))
    (True, False)
    """
    return all("norm" in type(one).__name__.lower() for one in module.modules())


class CallRecorder:
    """Notes when module calls begin and end, in autograd's numbers of operations.

    Args:
        mark_inputs: whether floating-point inputs of outermost calls are made to require a gradient.
    """

    def __init__(self, *, mark_inputs: bool) -> None:
        self._mark_inputs = mark_inputs
        self._calls: list[Call] = []
        self._open: list[int] = []
        self._changes: list[tuple[int, int | None]] = [(-1, None)]
        self._gradients: list[tuple[int, int]] = []

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Note the calls of the modules of `model`."""
        handles = []
        engine: Any = torch.autograd
        backward = engine._engine_run_backward  # noqa: SLF001 - what `backward` and `grad` have in common
        for path, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(self._entering(path), with_kwargs=True, prepend=True))
            handles.append(module.register_forward_hook(self._leaving(), always_call=True))
        engine._engine_run_backward = self._noting(backward)  # noqa: SLF001
        try:
            with torch.autograd.set_multithreading_enabled(False):  # operations are numbered by thread
                yield
        finally:
            engine._engine_run_backward = backward  # noqa: SLF001
            for handle in handles:
                handle.remove()

    def calls(self) -> tuple[Call, ...]:
        """Return the calls that were seen."""
        return tuple(self._calls)

    def call_at(self, number: int) -> int | None:
        """Return the position of the innermost call that was open when operation `number` ran."""
        return self._changes[bisect_right(self._changes, number, key=lambda change: change[0]) - 1][1]

    def is_gradient(self, number: int) -> bool:
        """Return whether operation `number` ran within a backward pass."""
        return any(first <= number < end for first, end in self._gradients)

    def _noting(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            first = _next_number()
            try:
                return backward(*args, **kwargs)
            finally:
                self._gradients.append((first, _next_number()))

        return noted

    def _entering(self, path: str) -> Any:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> Any:
            outermost = not self._open
            self._calls.append(
                Call(
                    path=path,
                    parent=None if outermost else self._open[-1],
                    module=type(module),
                    args=tuple(_constant(item) for item in args),
                    kwargs={name: _constant(item) for name, item in kwargs.items()},
                    is_norm=is_norm_layer(module),
                )
            )
            self._open.append(len(self._calls) - 1)
            marked = None
            if outermost and self._mark_inputs:
                marked = tuple(_marked(item) for item in args), {name: _marked(item) for name, item in kwargs.items()}
            self._changes.append((_next_number(), self._open[-1]))
            return marked

        return enter

    def _leaving(self) -> Any:
        def leave(*_: object) -> None:  # a function: a copy of the module that the loss makes keeps to this recorder
            self._open.pop()
            self._changes.append((_next_number(), self._open[-1] if self._open else None))

        return leave


def _constant(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else ...


def _next_number() -> int:
    """Return the number that autograd gives the next operation of this thread."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        probe = torch.zeros((), requires_grad=True).clone()
    assert probe.grad_fn is not None
    return int(probe.grad_fn._sequence_nr()) + 1  # noqa: SLF001 - the only link from a node to the time it was made


def _marked(value: Any) -> Any:
    def require(tensor: Tensor) -> Tensor:
        if tensor.requires_grad or not tensor.is_floating_point() or not torch.is_grad_enabled():
            return tensor
        return tensor.detach().clone().requires_grad_().clone()  # no leaf, so that it may be written into

    return map_tensors(value, require, lambda item: item)
