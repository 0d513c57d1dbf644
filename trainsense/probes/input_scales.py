"""The scale of what enters a model, measured where its first layers read it (PROTOCOL 8)."""

from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from trainsense.probes.operands import Operand, location, operands, touched_by_layers
from trainsense.probes.structure import LiveLoss
from trainsense.records.evidence import EntryScale, FeatureScale
from trainsense.records.location import Location

_CONSTANT: Final = 1e-6
"""A feature whose standard deviation is below this share of its size is constant: float32 resolves 6e-8."""
_ABOVE_USUAL: Final = 100.0
"""PROTOCOL 8: features whose scales differ by more than this."""
_SHOWN: Final = 5


@dataclass(kw_only=True)
class _Sums:
    """Sums over rows, feature by feature, in double precision."""

    location: Location
    shape: tuple[int, ...]
    read_together: int
    count: int
    total: Tensor
    squares: Tensor
    nonzero: Tensor
    lowest: Tensor
    highest: Tensor


@dataclass(kw_only=True)
class EntrySums:
    """Gathers, batch by batch, what enters a model."""

    batches: int = 0
    _found: dict[tuple[str, ...], _Sums] = field(default_factory=dict)

    def add(self, live: LiveLoss) -> None:
        """Add the data that layers of one batch's loss read before any parameter was applied to it."""
        self.batches += 1
        touched = touched_by_layers(live.graph)
        for one in operands(live):
            if one.source is None or not touched[one.source]:
                self._add(live, one)

    def locate(self, live: LiveLoss) -> None:
        """Take over the lines of the user's code from a loss that noted them."""
        for one in operands(live):
            if one.parameters in self._found:
                self._found[one.parameters].location = location(live, one.op)

    def _add(self, live: LiveLoss, one: Operand) -> None:
        rows = one.rows.double()
        new = _Sums(
            location=location(live, one.op),
            shape=tuple(one.values.shape),
            read_together=_read_together(live, one),
            count=rows.shape[0],
            total=rows.sum(0),
            squares=rows.square().sum(0),
            nonzero=(rows != 0).sum(0),
            lowest=rows.amin(0),
            highest=rows.amax(0),
        )
        old = self._found.get(one.parameters)
        if old is None:
            self._found[one.parameters] = new
        elif old.total.shape == new.total.shape:
            old.count += new.count
            old.total += new.total
            old.squares += new.squares
            old.nonzero += new.nonzero
            old.lowest = torch.minimum(old.lowest, new.lowest)
            old.highest = torch.maximum(old.highest, new.highest)

    def entries(self) -> tuple[EntryScale, ...]:
        """Return the scales of all entries where anything varies."""
        found = (_scale(one) for one in self._found.values())
        return tuple(one for one in found if one is not None)


def _read_together(live: LiveLoss, one: Operand) -> int:
    weight = live.saved(one.op, "weight") if "Conv" in live.graph.ops[one.op].kind else None
    return one.rows.shape[1] if weight is None else int(weight[0].numel())


def _scale(sums: _Sums) -> EntryScale | None:
    mean = sums.total / sums.count
    rms = (sums.squares / sums.count).sqrt()
    std = (sums.squares / sums.count - mean.square()).clamp_min(0).sqrt()
    varies = (sums.highest - sums.lowest) > _CONSTANT * torch.maximum(sums.highest.abs(), sums.lowest.abs())
    if not bool(varies.any()) or not bool(torch.isfinite(rms).all()):
        return None
    nonzero_rms = (sums.squares / sums.nonzero.clamp_min(1)).sqrt()
    usual = float(nonzero_rms[varies].median())
    order = torch.where(varies, rms, 0.0).argsort(descending=True)[: min(_SHOWN, int(varies.sum()))].tolist()
    return EntryScale(
        location=sums.location,
        shape=sums.shape,
        features=mean.numel(),
        varying=int(varies.sum()),
        read_together=sums.read_together,
        rms=_quadratic_mean(rms[varies]),
        mean=_quadratic_mean(mean[varies]),
        std=_quadratic_mean(std[varies]),
        nonzero_rms=float((sums.squares[varies].sum() / sums.nonzero[varies].sum()).sqrt()),
        usual_rms=usual,
        largest=tuple(
            FeatureScale(index=one, mean=float(mean[one]), std=float(std[one]), rms=float(rms[one])) for one in order
        ),
        above_usual=int((rms[varies] > _ABOVE_USUAL * usual).sum()),
    )


def _quadratic_mean(values: Tensor) -> float:
    return float(values.square().mean().sqrt())
