"""The `preflight` entry of a report's stages: what was seen in the model before it is trained."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from trainsense.records.evidence import (
    Architecture,
    BatchOverfit,
    Evidence,
    InputScales,
    LayerReading,
    LayerStatistics,
    LossTerms,
    Missing,
    WarmStart,
)
from trainsense.reporters import preflight_setup

Entry = dict[str, Any]
Piece = TypeVar("Piece", bound=Evidence)


@dataclass(frozen=True, kw_only=True)
class Part:
    """How one kind of evidence stands in the entry; made by `part`, which holds its types together.

    Args:
        kind: the evidence's type.
        key: where it stands.
        write: turns it into plain values; numbers that are not finite and numpy's own are seen to by the caller.
    """

    kind: type
    key: str
    write: Callable[[Any], Entry]


def part(kind: type[Piece], key: str, write: Callable[[Piece], Entry]) -> Part:
    """Return the part that evidence of `kind` becomes.

    Args:
        kind: the evidence's type.
        key: a word or two with underscores, once per entry.
        write: names every key of its own, so that none changes with our types.
    """
    return Part(kind=kind, key=key, write=write)


def preflight_entry(evidence: Iterable[Evidence]) -> Entry:
    """Return the entry, empty where nothing was looked at; what could not be had stands under `missing`."""
    pieces = tuple(evidence)
    entry = {one.key: one.write(piece) for one in PARTS for piece in pieces if isinstance(piece, one.kind)}
    keys = {one.kind.__name__: one.key for one in PARTS}
    missing = {keys.get(piece.kind, piece.kind): piece.reason for piece in pieces if isinstance(piece, Missing)}
    return entry | ({"missing": missing} if missing else {})


def _warm_start(start: WarmStart) -> Entry:
    return {
        "lr": start.lr,
        "users_lr": start.users,
        "steps": start.steps,
        "initial_loss": start.initial_loss,
        "loss": start.loss,
        "constant_loss": start.constant_loss,
        "failed": start.failed or None,
    }


def _layers(layers: LayerStatistics) -> Entry:
    """Return every weight once, with its readings from step to step."""
    weights: dict[str, Entry] = {}
    for snapshot in layers.snapshots:
        for reading in snapshot.layers:
            weight = weights.setdefault(reading.parameter, _weight(reading))
            weight["readings"].append({"step": snapshot.step, **_reading(reading)})
    return {
        "lr": layers.lr,
        "examples": layers.examples,
        "snapshots": [
            {
                "step": snapshot.step,
                "loss": snapshot.loss if snapshot.full else None,
                "output_gradient": snapshot.output_gradient,
                "full": snapshot.full,
            }
            for snapshot in layers.snapshots
        ],
        "weights": sorted(weights.values(), key=lambda weight: int(weight["depth"])),
        "blind": layers.blind,
    }


def _weight(reading: LayerReading) -> Entry:
    return {
        "parameter": reading.parameter,
        "module": reading.module,
        "kind": reading.kind,
        "depth": reading.depth,
        "size": reading.size,
        "units": reading.units,
        "activation": reading.activation,
        "normed": reading.normed,
        "on_chain": reading.on_chain,
        "last": reading.last,
        "gated": reading.gated,
        "file": reading.file,
        "line": reading.line,
        "readings": [],
    }


def _reading(reading: LayerReading) -> Entry:
    return {
        "weight_norm": reading.weight_norm,
        "gradient_norm": reading.gradient_norm,
        "relative_gradient": reading.relative_gradient,
        "update_ratio": reading.update_ratio,
        "input_rms": reading.input_rms,
        "input_spread": reading.input_spread,
        "output_rms": reading.output_rms,
        "output_spread": reading.output_spread,
        "dead": reading.dead,
        "saturated": reading.saturated,
        "identical": reading.identical,
        "time_ratio": reading.time_ratio,
        "time_gradient": reading.time_gradient,
    }


PARTS: Final = (
    part(WarmStart, "warm_start", _warm_start),
    part(InputScales, "inputs", preflight_setup.inputs),
    part(LossTerms, "loss", preflight_setup.loss),
    part(Architecture, "architecture", preflight_setup.architecture),
    part(LayerStatistics, "layers", _layers),
    part(BatchOverfit, "one_batch", preflight_setup.one_batch),
)
"""What makes up the entry, in its order: for more, a function that names its keys, and a line here."""
