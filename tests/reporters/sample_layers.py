"""Layers and reports of preflight for the tests of the reporters: made up, but of the size and shape of real ones."""

import math
from collections.abc import Sequence
from dataclasses import replace

from trainsense.records.evidence import LayerReading, LayerSnapshot, LayerStatistics, Missing, WarmStart
from trainsense.records.finding import Finding, NotAssessed, Passed
from trainsense.records.location import Location
from trainsense.records.report import Cost, Report, WorkloadSummary
from trainsense.reporters.stages import stage_entries

STEPS = (0, 1, 2, 5, 10, 20, 30)
PASSED = (
    "no-gradient",
    "not-optimized",
    "non-finite-data",
    "input-not-normalized",
    "bad-initial-loss",
    "double-softmax",
    "inner-softmax",
    "constant-output",
    "broadcast-loss",
    "labels-mismatch",
    "cannot-overfit-batch",
    "not-deterministic",
    "exploding-gradient",
    "symmetric-init",
)


def reading(module: str, depth: int, *, step: int = 30, gradient: float | None = 0.02) -> LayerReading:
    """Return a reading of a linear layer of 64 x 64 behind a ReLU, whose relative gradient is `gradient`."""
    return LayerReading(
        parameter=f"{module}.weight" if module else "scale",
        module=module,
        kind="linear" if depth else "embedding",
        depth=depth,
        size=4096,
        weight_norm=10.0,
        gradient_norm=None if gradient is None else 10.0 * gradient,
        update_ratio=1e-3 * (1.0 + 0.3 * math.sin(depth)) * (1 + 3 / step) if step else None,
        output_rms=0.9 * 0.97**depth if depth else None,
        output_spread=0.5 if depth else None,
        activation="Relu" if depth else "",
        dead=min(1.0, 0.001 * step * depth) if depth else None,
        identical=0.0,
    )


def block_names(count: int) -> list[str]:
    """Return paths as a transformer has them."""
    inner = ("attention.in_proj", "attention.out_proj", "linear1", "linear2")
    return ["embedding", *(f"encoder.layers.{at // 4}.{inner[at % 4]}" for at in range(count - 1))]


def layer_statistics(names: Sequence[str], *, steps: Sequence[int] = STEPS, shrink: float = 0.7) -> LayerStatistics:
    """Return layers whose relative gradient falls by `shrink` from each to the one in front of it."""
    last = len(names) - 1
    snapshots = tuple(
        LayerSnapshot(
            step=step,
            loss=2.3 - 0.02 * step,
            output_gradient=0.01,
            layers=tuple(
                reading(name, depth, step=step, gradient=0.03 * shrink ** ((last - depth) / (1 + 0.05 * step)))
                for depth, name in enumerate(names)
            ),
        )
        for step in steps
    )
    return LayerStatistics(lr=0.1, examples=256, snapshots=snapshots)


def warm_start() -> WarmStart:
    """Return one that learned a little, at the user's lr."""
    return WarmStart(lr=0.1, users=True, steps=30, initial_loss=2.45, loss=1.7, constant_loss=2.3, failed="")


def vanishing(names: Sequence[str]) -> Finding:
    """Return a finding that names the first layers."""
    return Finding(
        rule="vanishing-gradient",
        severity="error",
        title="The first layer's relative gradient is 2.3e-06 of the last one's, falling with each layer between",
        detail="Over 12 layers the gradient falls from 0.03 to 7e-08 of the weights; after 30 steps at your lr the model "
        "does no better than a constant prediction. Sigmoids pass on a quarter of the gradient at most. Replace them by "
        "ReLU or GELU, or add residual connections and normalisation.",
        evidence={"ratio": 2.3e-6, "slope_per_layer": -1.1, "layers": 12},
        plots=("layers",),
        fixes=("replace-activation", "add-normalization", "add-residual"),
        locations=tuple(
            Location(module=name, file="/home/me/project/model.py", line=42 + at) for at, name in enumerate(names[:6])
        ),
    )


def dead_relu(name: str) -> Finding:
    """Return a warning that names one layer."""
    return Finding(
        rule="dead-relu",
        severity="warning",
        title="97% of the units of one layer are dead after 30 steps",
        detail="They are zero for every one of 256 examples.",
        evidence={"dead": 0.97, "units": 64},
        plots=("layers",),
        fixes=("lower-lr",),
        locations=(Location(module=name, file="model.py", line=7),),
    )


def preflight_report(layers: LayerStatistics | None, findings: Sequence[Finding] = ()) -> Report:
    """Return a report of `trainsense preflight`."""
    looked = Missing(kind="LayerStatistics", reason="the model raised") if layers is None else layers
    return Report(
        version="0.1.0",
        command="preflight",
        workload=WorkloadSummary(
            name="deep_sigmoid", source="deep_sigmoid.py", parameters=52_106, device="cpu", fingerprint="ab12"
        ),
        verdict="unhealthy" if findings else "healthy",
        summary=f"{findings[0].title}." if findings else "Nothing is wrong before training: no error, no warning.",
        findings=tuple(findings),
        fixes=(),
        recommendation=None,
        stages=stage_entries([warm_start(), looked]),
        cost=Cost(trials=0, steps=54, seconds=1.234),
        passed=tuple(Passed(rule=rule) for rule in PASSED),
        not_assessed=(
            NotAssessed(rule="output-range", reason="the loss is of no kind that is known"),
            NotAssessed(rule="saturated-activation", reason="the model has no sigmoid or tanh"),
            NotAssessed(rule="small-batch-norm", reason="the model has no batch normalisation"),
        ),
    )


def sick_preflight(count: int = 13) -> Report:
    """Return one with an error and a warning, each naming layers."""
    names = block_names(count)
    return preflight_report(layer_statistics(names, shrink=0.3), (vanishing(names), dead_relu(names[count // 2])))


def without_figures(layers: LayerStatistics) -> LayerStatistics:
    """Return the same with NaN, infinite and missing figures in its layers."""
    odd = (math.nan, math.inf, None, 0.0)
    snapshots = tuple(
        replace(
            snapshot,
            layers=tuple(
                replace(one, gradient_norm=odd[one.depth % 4], update_ratio=odd[one.depth % 4], output_rms=math.nan)
                if (one.depth + snapshot.step) % 3 == 0
                else one
                for one in snapshot.layers
            ),
        )
        for snapshot in layers.snapshots
    )
    return replace(layers, snapshots=snapshots)
