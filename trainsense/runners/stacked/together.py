"""Trains trials as one stack, from their first step to their runs."""

from collections.abc import Iterator, Sequence

from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.stacked.training import Stack
from trainsense.workload.seeding import RandomState


def train_together(
    bench: Bench, trials: Sequence[Trial], left: list[Trial], *, compiled: bool = False
) -> Iterator[Run]:
    """Yield each trial's run as soon as it ends; the global random state is left as it was.

    Args:
        bench: the workload on its device.
        trials: alike in all but seed, lr, schedule, warmup, clipping and `stop_loss`.
        left: gets the trials whose trained model cannot be measured here.
        compiled: whether torch compiles the losses.

    Raises:
        UnstackableError: they cannot be stacked, or no further.
        Exception: whatever the user's code raises on the stack.
    """
    outside = RandomState.capture()
    try:
        stack = Stack(bench, trials, compiled=compiled)
        while stack.training:
            ended = stack.advance()
            if ended:
                inside = RandomState.capture()
                outside.restore()
                yield from ended
                inside.restore()
        finished = list(stack.finish())
        left += stack.left
    finally:
        outside.restore()
    yield from finished
