"""Where a finding sits in the user's files: where its modules are made, else the line of the workload it is about."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from trainsense.probes.structure import shown
from trainsense.records.finding import Finding
from trainsense.records.location import Location
from trainsense.workload.written import Written

_LR: Final = ("lr", "optimizer")
_MODEL: Final = ("model",)
_LOSS: Final = ("loss",)
_DATA: Final = ("data",)
FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "non-finite-data": _DATA,
        "not-deterministic": _DATA,
        "broadcast-loss": _LOSS,
        "labels-mismatch": _DATA,
        "double-softmax": _LOSS,
        "inner-softmax": _MODEL,
        "constant-output": _MODEL,
        "output-range": _MODEL,
        "input-not-normalized": _DATA,
        "no-gradient": _MODEL,
        "not-optimized": ("optimizer", "model"),
        "ignores-input": _MODEL,
        "example-leak": _MODEL,
        "over-regularized": ("optimizer", "loss"),
        "missing-normalization": _MODEL,
        "missing-residual": _MODEL,
        "post-norm-residual": _MODEL,
        "small-batch-norm": _MODEL,
        "symmetric-init": _MODEL,
        "bad-init-scale": _MODEL,
        "dead-relu": _MODEL,
        "saturated-activation": _MODEL,
        "vanishing-gradient": _MODEL,
        "exploding-gradient": _MODEL,
        "bad-initial-loss": _LOSS,
        "cannot-overfit-batch": _LOSS,
        "residual-not-zero-init": _MODEL,
        "non-finite-loss": _LOSS,
        "input-collapse": _LR,
        "early-instability": _LR,
        "mid-training-instability": _LR,
        "gradient-outliers": ("clip_norm", "loss"),
        "lr-too-high": _LR,
        "lr-too-low": _LR,
        "best-lr-at-edge": _LR,
        "oscillating-loss": _LR,
        "clip-too-aggressive": ("clip_norm", "optimizer"),
        "warmup-too-long": ("schedule",),
        "attention-logits-growing": _MODEL,
    }
)
"""The workload's fields that a rule is about, the likeliest first."""


def located(finding: Finding, lines: Mapping[str, tuple[str, int]], source: Written | None) -> Finding:
    """Return a finding with file and line where its locations lack them; files below the current directory relative to it.

    One that has none with a file gets the line of the workload's call that it is about: that of the first of its rule's
    fields which the call names, else that of the call itself.

    Args:
        finding: a finding.
        lines: file and line that construct each module, by the module's path; that of the longest known prefix counts.
        source: where the workload is written, None if that is not known.
    """
    places = tuple(_located(one, lines) for one in finding.locations)
    if source is not None and not any(one.file for one in places):
        places += (_field(finding.rule, source),)
    return replace(finding, locations=places)


def _field(rule: str, source: Written) -> Location:
    known = (source.fields[name] for name in FIELDS.get(rule, ()) if name in source.fields)
    return Location(file=shown(source.file), line=next(known, source.line))


def _located(location: Location, lines: Mapping[str, tuple[str, int]]) -> Location:
    if location.file:
        return replace(location, file=shown(location.file))
    path = location.module
    while path and path not in lines:
        path = path.rpartition(".")[0]
    if not location.module or path not in lines:
        return location
    file, line = lines[path]
    return replace(location, file=shown(file), line=line)
