"""How the first steps at the user's setting went: what tells a harmless oddity of a start from one that hurts."""

import math
from typing import Final, Literal

from trainsense.records.evidence import LayerReading, LayerStatistics, WarmStart
from trainsense.records.location import Location

FirstSteps = Literal["fail", "unclear", "learn"]

STUCK_SHARE: Final = 0.005
"""A loss within so much of the best constant prediction's knows nothing of its inputs (PROTOCOL 0: 1 % of the gap)."""
LEARNT_SHARE: Final = 0.02
"""A loss so far below it does; between the two, 30 steps tell nothing (measured: sound six-layer networks 0.1 to 90 %)."""


SAME_FOR_ALL: Final = 1e-6
"""An output layer whose spread across examples is so small a part of what it gives says the same to all."""


def first_steps(warm: WarmStart | None, layers: LayerStatistics) -> FirstSteps:
    """Return whether a warm start failed, learnt, or tells neither.

    Where the loss is computed inside forward, a constant prediction's loss equals the model's and is none: then the loss
    at the start is what it is held against, and only learning can be told.
    """
    if layers.warmed is not None and _says_the_same_to_all(layers.warmed.chain):
        return "fail"
    if warm is None:
        return "unclear"
    if warm.failed or not math.isfinite(warm.loss):
        return "fail"
    constant = warm.constant_loss
    known = constant is not None and constant != warm.loss
    against = constant if constant is not None and known else warm.initial_loss
    gained = (against - warm.loss) / max(abs(against), 1e-12)
    if gained > LEARNT_SHARE:
        return "learn"
    return "fail" if known and gained <= STUCK_SHARE else "unclear"


def _says_the_same_to_all(chain: tuple[LayerReading, ...]) -> bool:
    if not chain or chain[-1].output_spread is None or chain[-1].output_rms is None:
        return False
    return chain[-1].output_spread <= SAME_FOR_ALL * chain[-1].output_rms


def place(layer: LayerReading) -> Location:
    """Return where a layer sits."""
    return Location(module=layer.module or layer.parameter, file=layer.file, line=layer.line)
