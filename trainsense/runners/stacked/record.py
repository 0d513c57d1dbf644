"""What was measured on every trial of a stack, and at which step which of them diverged."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainsense.meter import measures_update
from trainsense.records.outcome import Diverged, DivergenceReason
from trainsense.records.trace import COLUMNS, Trace
from trainsense.records.trial import Trial

Figures = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of one step: loss, gradient norm, norm of the weights, norm of their change, each of shape `(trials,)`; the last two are NaN
where the update is not measured."""
Rows = NDArray[np.float64]


class Record:
    """Traces of trials of the same length, in host memory.

    Args:
        trials: all of them; `slots` below are their indices.
    """

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._rows: Final = {name: np.full((trials[0].steps, len(trials)), math.nan) for name in COLUMNS}
        self._stop: Final = np.array([math.inf if one.stop_loss is None else one.stop_loss for one in trials])
        self._clip: Final = np.array([math.inf if one.clip_norm is None else one.clip_norm for one in trials])

    def write(self, step: int, slot: int, **figures: float) -> None:
        """Write figures by column name."""
        for name, value in figures.items():
            self._rows[name][step, slot] = value

    def read_back(
        self, first: int, slots: NDArray[np.intp], rows: NDArray[np.intp], figures: Sequence[Figures], lrs: Rows
    ) -> dict[int, Diverged]:
        """Copy the figures of a block of steps from the device, once for all; return who diverged in it.

        The rows of a trial after its divergence mean nothing, and are cut off with its trace.

        Args:
            first: the first of the steps.
            slots: which trials.
            rows: where each of them is in the figures.
            figures: by step.
            lrs: shape `(steps, trials)`.
        """
        columns = torch.stack([torch.stack(one) for one in figures]).detach().cpu().numpy().astype(np.float64)
        loss, norm, weight, change = columns.transpose(1, 0, 2)[:, :, rows]
        ratio = np.divide(change, weight, out=np.full_like(change, math.nan), where=~(weight <= 0))
        steps = slice(first, first + len(loss))
        for name, values in (
            ("lr", lrs),
            ("loss", loss),
            ("grad_norm", norm),
            ("clipped", norm > self._clip[slots]),
            ("update_norm", change),
            ("update_ratio", ratio),
        ):
            self._rows[name][steps, slots] = values
        high = ~np.isfinite(loss) | (loss > self._stop[slots])
        measured = [measures_update(first + row, len(self._rows["loss"])) for row in range(len(loss))]
        left = ~np.isfinite(change) & np.array(measured)[:, None]
        ended = high | ~np.isfinite(norm) | left
        return {
            int(slots[row]): self._divergence(first + int(np.argmax(ended[:, row])), int(slots[row]))
            for row in np.flatnonzero(ended.any(axis=0))
        }

    def probed(self, step: int, slot: int, probe: float) -> Diverged | None:
        """Write the probe loss; return the divergence if it is not finite or above the limit after the first step."""
        self.write(step, slot, probe_loss=probe)
        return None if step == 0 else self._too_high(step, slot, probe, "non-finite-probe")

    def trace(self, slot: int, steps: int) -> Trace:
        """Return a trial's first `steps` rows."""
        return Trace(**{name: rows[:steps, slot].copy() for name, rows in self._rows.items()})

    def _divergence(self, step: int, slot: int) -> Diverged:
        """Return what ended a trial at `step`; its figures after that point are blanked."""
        loss, norm, change = (float(self._rows[name][step, slot]) for name in ("loss", "grad_norm", "update_norm"))
        stop = self._too_high(step, slot, loss, "non-finite-loss")
        if stop is None and math.isfinite(norm):
            return Diverged(reason="non-finite-parameter", step=step, value=change)
        self.write(step, slot, update_norm=math.nan, update_ratio=math.nan)
        return stop or Diverged(reason="non-finite-gradient", step=step, value=norm)

    def _too_high(self, step: int, slot: int, loss: float, reason: DivergenceReason) -> Diverged | None:
        if not math.isfinite(loss):
            return Diverged(reason=reason, step=step, value=loss)
        return Diverged(reason="loss-explosion", step=step, value=loss) if loss > self._stop[slot] else None
