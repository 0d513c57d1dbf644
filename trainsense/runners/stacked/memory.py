"""How many trials a stack may hold."""

from typing import Final

import torch

from trainsense.runners.stacked.first_pass import FirstPass

HOST_BYTES: Final = 1 << 30
"""Memory that a stack may take on the host: as much as the batches that are kept for replay."""
DEVICE_SHARE: Final = 0.5
"""Of the device's free memory: the rest is left to what was not foreseen, and to the user's other work."""
COPIES: Final = 8
"""Tensors as large as the parameters in a stack: weights, gradients as autograd gives them and side by side, weights before the
update, up to three moments of an optimizer, and one in the making."""
WORKING_SHARE: Final = 4.0
"""Of the activations kept for the backward pass: they, the gradients that flow back, and what a map keeps more than a single model
does (measured on a CPU: 3.6 for a GRU, 2.9 for convolutions with BatchNorm, 1.7 for a transformer)."""
_HOST_MEMORY: Final = "DefaultCPUAllocator"


def most_trials(seen: FirstPass, device: torch.device, limit: int | None) -> int:
    """Return how many trials fit, at least 1.

    Args:
        seen: what a single model takes.
        device: where it trains.
        limit: bytes that a stack may take, None for what suits the device.

    >>> one = FirstPass(idle=frozenset(), changed=frozenset(), draws=False, parameter_bytes=1000, activation_bytes=1500)
    >>> most_trials(one, torch.device("cpu"), 45_000)
    3
    """
    if limit is None:
        limit = int(DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else HOST_BYTES
    return max(1, int(limit / max(stack_bytes(seen), 1)))


def stack_bytes(seen: FirstPass) -> float:
    """Return the most that a stack takes for each of its trials."""
    return COPIES * seen.parameter_bytes + WORKING_SHARE * seen.activation_bytes


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, on the device or the host, the user's code in between or not."""
    cause = error.__cause__
    return (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or _HOST_MEMORY in str(error)
        or (cause is not None and is_out_of_memory(cause))
    )
