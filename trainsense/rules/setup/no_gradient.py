"""Parameters that the loss depends on get no gradient, so that they never train.

## What it checks
Every trainable parameter that the optimizer holds: whether a gradient reaches it at any step of a short warm start, and if
none does, whether the loss depends on it at all.

## How it is decided
An error where a parameter has no gradient at any step (or one of exactly zero) and yet takes part in the loss: on a copy of
the model it is changed by about its own size, under the same random draw, and the loss changes. Something cuts it off:
`detach()`, `no_grad`, `.data`, `.item()`, `argmax`, rounding, a draw that is not reparameterised. A gradient of exactly zero
counts only where every way to the loss runs through an operation that autograd treats as flat (`round`, `sign`, `bernoulli`,
`normal`), or where the loss changes in proportion to a small change of the parameter, which contradicts it (a backward pass
written by hand). Dead units, constant outputs and branches behind a zero are flat in truth and are not named here. Nor are
parameters that are changed by other means between updates (a moving average).

A note where the optimizer holds parameters that take no part in the loss (a layer that nobody calls), or frozen ones.
Parameters that the optimizer does not hold draw nothing: a backbone that is rightly left out.

## Measured
Named 4 of its 4 faults and 0 of 1 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 72 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Follow the data from the named module to the loss and take out what cuts it off: compute with the tensor itself instead of
`x.detach()`, `x.data` or `x.item()`; `softmax` or a straight-through estimator instead of `argmax` and `round`; `rsample()`
instead of `sample()`. If the part is meant to stay as it is, set `requires_grad_(False)` and leave it out of the optimizer.

## References
PyTorch, "Autograd mechanics": locally disabling gradient computation. Bengio, Léonard and Courville 2013 (straight-through
estimators). Kingma and Welling 2014 (reparameterised draws).
"""

from collections.abc import Sequence

from trainsense.records.evidence import ParameterCheck, ParameterUse
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.records.location import Location

RULE = "no-gradient"
_SHOWN = 8
_BLOCKED = {
    "Bernoulli": "a draw (bernoulli), which autograd gives a gradient of zero",
    "Normal": "a draw (torch.normal), which autograd gives a gradient of zero; mean + std * torch.randn_like(std) passes it on",
    "Poisson": "a draw (poisson), which autograd gives a gradient of zero",
}


def judge(check: ParameterCheck) -> Judgement:
    """Judge the gradients of the warm start."""
    if not check.steps:
        return NotAssessed(rule=RULE, reason=f"no step of the warm start got as far as a gradient: {check.failed}")
    idle = [use for use in check.parameters if use.trainable and use.held and use.gradient != "some" and not use.moved]
    cut_off = [use for use in idle if use.takes_part]
    if cut_off:
        return _cut_off(check, cut_off)
    uncalled = [use for use in idle if use.gradient == "none" and use.takes_part is False]
    frozen = [use for use in check.parameters if not use.trainable and use.held]
    if uncalled:
        return _harmless(
            check,
            uncalled,
            title=f"The optimizer holds {_count(uncalled)} that take no part in the loss",
            detail=f"{_names(uncalled)} got no gradient in {check.steps} steps, and the loss stays the same when they are "
            "changed: nothing calls them. That does no harm; if they were meant to be used, the call is missing.",
        )
    if frozen:
        return _harmless(
            check,
            frozen,
            title=f"The optimizer holds {_count(frozen)} that are frozen",
            detail=f"{_names(frozen)} have requires_grad=False and stay as they were built. That does no harm where it is "
            "meant so; if they should train, set requires_grad_(True).",
        )
    return Passed(rule=RULE, text="every parameter that the optimizer holds gets a gradient")


def _cut_off(check: ParameterCheck, uses: Sequence[ParameterUse]) -> Finding:
    size, trainable = _size(uses), _size([use for use in check.parameters if use.trainable])
    share = size / max(1, trainable)
    kinds = sorted({use.blocked_by for use in uses if use.blocked_by})
    reasons = [_BLOCKED.get(kind, f"{kind.lower()}, whose derivative is zero everywhere") for kind in kinds]
    why = f"On the way to the loss stands {'; '.join(reasons)}. " if reasons else ""
    return Finding(
        rule=RULE,
        severity="error",
        title=f"{_count(uses)} ({share:.0%} of the trainable ones) get no gradient, though the loss depends on them",
        detail=f"{_names(uses)}: no gradient in any of {check.steps} steps, but changing them changes the loss. They stay at "
        f"their initial values however long you train. {why}Usually the result is cut off by detach(), no_grad, .data, "
        ".item(), NumPy, argmax, rounding or a backward pass of your own: take that out between the named module and the loss. "
        "If they are meant to stay as they are, set requires_grad_(False) and leave them out of the optimizer.",
        evidence={
            "parameters": [use.name for use in uses],
            "scalars": size,
            "share_of_trainable": share,
            "steps": check.steps,
            "blocked_by": kinds,
        },
        locations=_locations(uses),
    )


def _harmless(check: ParameterCheck, uses: Sequence[ParameterUse], *, title: str, detail: str) -> Finding:
    return Finding(
        rule=RULE,
        severity="note",
        title=title,
        detail=detail,
        evidence={"parameters": [use.name for use in uses], "scalars": _size(uses), "steps": check.steps},
        locations=_locations(uses),
    )


def _locations(uses: Sequence[ParameterUse]) -> tuple[Location, ...]:
    places = {
        use.module or use.name: Location(module=use.module or use.name, file=use.file, line=use.line) for use in uses
    }
    return tuple(places.values())[:_SHOWN]


def _size(uses: Sequence[ParameterUse]) -> int:
    return sum(use.size for use in uses)


def _count(uses: Sequence[ParameterUse]) -> str:
    return f"{_size(uses):,} scalars in {len(uses)} parameter{'s' if len(uses) > 1 else ''}"


def _names(uses: Sequence[ParameterUse]) -> str:
    names = [use.name for use in uses]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
