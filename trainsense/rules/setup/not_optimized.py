"""Parameters get a gradient and the optimizer does not hold them, so that they never train.

## What it checks
Every tensor that gets a gradient in a short warm start: whether the optimizer holds it. Tensors that the model uses without
registering them as parameters (layers kept in a plain Python list, made anew in each forward pass) are found in the autograd
graph of a loss.

## How it is decided
An optimizer holds what its parameter groups, or those of optimizers inside it, list, and what changes in an update. A warning
where parameters of the model get a gradient (at any step, not exactly zero) and are not held; an error where those are at
least half of the scalars that get one, or where the model uses unregistered ones that are not held. Parameters with
`requires_grad=False`, and those that never get a gradient, draw nothing. A note where what is left out lies outside of the
model, such as a fixed network that the loss looks through.

## Measured
Named 4 of its 4 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Give the optimizer all parameters: `optimizer(model.parameters())`, built for the very model that is trained. Keep layers in
`nn.ModuleList`, `nn.ModuleDict` or attributes, tensors in `nn.Parameter`. What is meant to stay as it is: freeze it with
`requires_grad_(False)`, which also saves its backward pass.

## References
PyTorch, `torch.nn.ModuleList` ("can be indexed like a regular Python list, but modules it contains are properly registered").
"""

from collections.abc import Sequence
from typing import Final

from trainsense.records.evidence import ParameterCheck, ParameterUse, UnregisteredParameter
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.records.location import Location

RULE = "not-optimized"
MOST: Final = 0.5
"""Share of the scalars with a gradient from which most of the model stands still: a choice, not a measurement."""
_SHOWN = 8


def judge(check: ParameterCheck) -> Judgement:
    """Judge what the optimizer holds against what gets a gradient."""
    if not check.steps:
        return NotAssessed(rule=RULE, reason=f"no step of the warm start got as far as a gradient: {check.failed}")
    lively = [use for use in check.parameters if use.trainable and use.gradient == "some"]
    left_out = [use for use in lively if not use.held]
    loose = [one for one in check.unregistered if not one.held]
    own = [one for one in loose if one.within_model]
    if own:
        return _unregistered(own, left_out, _size(lively))
    if left_out:
        return _left_out(left_out, _size(lively))
    if loose:
        return _outside(loose)
    return Passed(rule=RULE, text="the optimizer holds every parameter that gets a gradient")


def _left_out(left_out: Sequence[ParameterUse], lively: int) -> Finding:
    size = _size(left_out)
    share = size / max(1, lively)
    return Finding(
        rule=RULE,
        severity="error" if share >= MOST else "warning",
        title=f"{share:.0%} of the scalars that get a gradient are not held by the optimizer",
        detail=f"{_listed([use.name for use in left_out])}: a gradient is computed for them and nothing uses it, so that they "
        f"stay at their initial values ({size:,} of {lively:,} scalars). Usually the optimizer was given only a part of the "
        "model, or was built for another copy of it. Give it model.parameters(); if the rest is meant to stay as it is, set "
        "requires_grad_(False) on it.",
        evidence={
            "parameters": [use.name for use in left_out],
            "scalars": size,
            "share_of_scalars_with_gradient": share,
        },
        fixes=("optimize-all-parameters",),
        locations=tuple(Location(module=use.module or use.name) for use in _by_module(left_out))[:_SHOWN],
    )


def _unregistered(own: Sequence[UnregisteredParameter], left_out: Sequence[ParameterUse], lively: int) -> Finding:
    size = _size(own) + _size(left_out)
    share = size / max(1, lively + _size(own))
    renewed = all(one.renewed for one in own)
    how = "are made anew in every forward pass" if renewed else "are not registered with the model"
    cure = (
        "Build them once, in __init__"
        if renewed
        else "Keep layers in nn.ModuleList or nn.ModuleDict, tensors in nn.Parameter"
    )
    return Finding(
        rule=RULE,
        severity="error",
        title=f"{len(own)} tensor{'s' if len(own) > 1 else ''} that get a gradient {how}: the optimizer cannot hold them",
        detail=f"The loss is computed with tensors of the shapes {_listed([str(list(one.shape)) for one in own])} that are no "
        f"parameters of the model: model.parameters() does not yield them, no optimizer updates them, no checkpoint keeps "
        f"them. With them {share:.0%} of the scalars that get a gradient are not trained. {cure}.",
        evidence={
            "shapes": [list(one.shape) for one in own],
            "scalars": size,
            "share_of_scalars_with_gradient": share,
            "made_anew": renewed,
        },
        fixes=("optimize-all-parameters",),
        locations=tuple(dict.fromkeys(Location(module=one.module, file=one.file, line=one.line) for one in own))[
            :_SHOWN
        ],
    )


def _outside(loose: Sequence[UnregisteredParameter]) -> Finding:
    return Finding(
        rule=RULE,
        severity="note",
        title=f"The loss sends gradients to {_size(loose):,} scalars outside of the model that the optimizer does not hold",
        detail="They belong to something that the loss uses and the model does not contain. For a fixed network, a teacher or a "
        "perceptual loss, that is right, and requires_grad_(False) would save time; a part that should train has to become a "
        "part of the model, or be given to the optimizer.",
        evidence={"shapes": [list(one.shape) for one in loose], "scalars": _size(loose)},
        locations=tuple(dict.fromkeys(Location(module=one.module, file=one.file, line=one.line) for one in loose))[
            :_SHOWN
        ],
    )


def _by_module(uses: Sequence[ParameterUse]) -> list[ParameterUse]:
    return list({use.module: use for use in uses}.values())


def _size(uses: Sequence[ParameterUse] | Sequence[UnregisteredParameter]) -> int:
    return sum(use.size for use in uses)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
