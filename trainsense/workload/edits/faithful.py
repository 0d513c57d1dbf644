"""Whether rewritten forwards that change nothing give the same loss and gradients: what was traced is all there is."""

import torch
from torch import Tensor, nn

from trainsense.probes.structure import copied
from trainsense.workload.edits.interface import Example, change
from trainsense.workload.seeding import seed_all

_ALIKE = 1e-3
"""Relative difference up to which two results of the same operations are the same, in bfloat16 as well."""


def is_faithful(model: nn.Module, code: str, example: Example) -> bool:
    """Return whether `code`, run on a copy of `model`, leaves loss and gradients the same in either mode.

    Tells what a trace loses: gradient or autocast contexts inside a forward, values computed while tracing.
    """
    traced = copied(model)
    change("trace", changes=(), code=code, advice="").make(traced)
    return all(_agree(model, traced, example, training=training) for training in (True, False))


def _agree(model: nn.Module, traced: nn.Module, example: Example, *, training: bool) -> bool:
    one, other = (_loss_and_gradients(each, example, training=training) for each in (model, traced))
    return one.keys() == other.keys() and all(
        torch.allclose(value, other[name], rtol=_ALIKE, atol=_ALIKE * float(value.abs().max()), equal_nan=True)
        for name, value in one.items()
        if value.numel()
    )


def _loss_and_gradients(model: nn.Module, example: Example, *, training: bool) -> dict[str, Tensor]:
    measured = copied(model).train(training)
    measured.zero_grad()
    seed_all(0)
    with torch.enable_grad():
        loss = example.first_loss(measured)
        loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: one.grad for name, one in measured.named_parameters() if one.grad is not None}
    return {"": loss.detach(), **gradients}
