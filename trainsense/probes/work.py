"""How much work a loss is, counted: the same in every run, unlike the time it takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

_SECONDS_AN_OPERATION: Final = 15e-6
_SECONDS_A_FLOP: Final = {"cpu": 5e-11}
_SECONDS_AN_ELEMENT: Final = {"cpu": 2e-9}
"""What a loss and its gradient take for each operation, flop and element of the loss alone. Measured on one core, for 70 small
workloads: between a third and 2.4 times the time, for a stack of 18 small convolutions 3.9 times."""
_ACCELERATED: Final = 1e-3
"""Share of that for flops and elements on an accelerator."""
_SLOW: Final = 4.0
"""A loss that takes this much longer than its operations explain does something else: a simulation in NumPy, say."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What computing a loss once is made of.

    Attributes:
        operations: number of torch's operations.
        flops: of its products and convolutions.
        elements: of all results.
        device: type of the device.
        else_seconds: time for what is no operation of torch's, 0 unless it is most of all.
    """

    operations: int
    flops: int
    elements: int
    device: str
    else_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """About how long the loss and its gradient take; the same wherever it is counted on this kind of device.

        >>> round(Work(operations=100, flops=10**9, elements=10**6, device="cpu").seconds, 4)
        0.0535
        """
        share = 1.0 if self.device in _SECONDS_A_FLOP else _ACCELERATED
        arithmetic = self.flops * _SECONDS_A_FLOP["cpu"] + self.elements * _SECONDS_AN_ELEMENT["cpu"]
        return self.operations * _SECONDS_AN_OPERATION + share * arithmetic + self.else_seconds


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0
        self.elements = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Count an operation and what it gives."""
        result = func(*args, **(kwargs or {}))
        self.operations += 1
        results = result if isinstance(result, (tuple, list)) else (result,)
        self.elements += sum(one.numel() for one in results if isinstance(one, Tensor))
        return result


def work_of(loss: Callable[[], Tensor], device: torch.device) -> Work:
    """Count the work of a loss, which is computed twice.

    Args:
        loss: computes it.
        device: where.

    Raises:
        Exception: whatever the user's loss raises.
    """
    with _Counting() as counting, FlopCounterMode(display=False) as flops:
        loss()
    work = Work(
        operations=counting.operations,
        flops=flops.get_total_flops(),
        elements=counting.elements,
        device=device.type,
    )
    started = time.thread_time()  # unlike the clock it does not run on while other processes do
    loss()
    taken = time.thread_time() - started
    if taken <= _SLOW * work.seconds:
        return work
    return Work(**{**vars(work), "else_seconds": 2 * taken})
