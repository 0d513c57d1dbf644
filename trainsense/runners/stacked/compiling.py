"""The losses of a stack as torch compiles them: fewer, larger kernels, and on a GPU one CUDA graph for all of them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Evaluate = Callable[..., tuple[Tensor, dict[str, Tensor]]]
"""Returns all trials' losses and what became of their buffers."""


def compiled(evaluate: Evaluate, device: torch.device) -> Evaluate:
    """Return `evaluate` compiled for `device`; it is compiled when it is called, again for every number of trials.

    Random numbers are drawn as they are without compilation, so that dropout has the masks of the loop. What torch can compile
    in part only is refused: a break in the middle of a map would make it run as it is, without a word.

    Raises (when it is called):
        Exception: of many kinds, whatever torch makes of a model that it cannot compile, or of a machine without a compiler.
    """
    options: dict[str, Any] = {"fallback_random": True}
    on_gpu = device.type == "cuda"
    if on_gpu:
        options["triton.cudagraphs"] = (
            True  # all that mode="reduce-overhead" sets; torch takes a mode or options, not both
        )
    function = torch.compile(evaluate, fullgraph=True, dynamic=False, options=options)

    def call(*arguments: Any) -> tuple[Tensor, dict[str, Tensor]]:
        if on_gpu:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        losses, after = function(*arguments)
        if not on_gpu:
            return losses, after
        return losses, {name: value.clone() for name, value in after.items()}  # the graph writes over its results

    return call
