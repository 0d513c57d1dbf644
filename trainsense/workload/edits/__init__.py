"""Model edits: named, deterministic changes of the freshly built model, tried as fixes (CONTRACT 5).

An edit is planned once for an architecture, by looking at a copy of the model at work, and made on every fresh model.
Its code is what is executed, so that what was tried is what is to be pasted.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import torch
from torch import nn

from trainsense.probes.structure import copied
from trainsense.records.model_edit import EditSurvey
from trainsense.workload.edits import (
    normalize_inputs,
    pre_norm,
    reinitialize,
    replace_activation,
    zero_init_residual,
)
from trainsense.workload.edits.interface import Change, Example, refusal
from trainsense.workload.seeding import random_state_kept

__all__ = ["EDITS", "Change", "Example", "plan_edit"]

_EDITS: Final = (zero_init_residual, pre_norm, reinitialize, replace_activation, normalize_inputs)
_PLANS: Final[Mapping[str, Callable[[nn.Module, Example], Change | EditSurvey]]] = {
    one.NAME: one.plan for one in _EDITS
}
_ADVICE: Final[Mapping[str, str]] = {one.NAME: one.ADVICE for one in _EDITS}

EDITS: Final = tuple(_PLANS)
"""The names of the edits, in the order in which they are surveyed."""


def plan_edit(name: str, model: nn.Module, example: Example) -> Change | EditSurvey:
    """Work an edit out for the architecture of `model`, which is left as it was, with the global generators.

    Args:
        name: one of `EDITS`.
        model: a fresh model on its device.
        example: the loss, and some batches.

    Returns:
        The change, or the survey with the reason why the edit cannot be applied here.

    Raises:
        KeyError: there is no edit of that name.
    """
    plan = _PLANS[name]
    with _undisturbed():
        try:
            looked_at = copied(model).train()
            found = plan(looked_at, example)
        except Exception as error:  # noqa: BLE001 - whatever the user's model does becomes the reason
            return refusal(name, f"It could not be worked out for this model: {_said(error)}.", _ADVICE[name])
        try:
            if isinstance(found, Change):
                _try_out(found, looked_at, example)
        except Exception as error:  # noqa: BLE001 - likewise
            return refusal(name, f"The changed model fails: {_said(error)}.", _ADVICE[name])
    return found


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave the generators as they were, say nothing, and run compiled parts as they are written."""
    with random_state_kept(), warnings.catch_warnings(), torch.enable_grad(), _uncompiled():
        warnings.simplefilter("ignore")
        yield


def _uncompiled() -> AbstractContextManager[object]:
    """Return a context in which what the user compiled runs eagerly: autograd sees nothing of compiled code."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def _try_out(found: Change, model: nn.Module, example: Example) -> None:
    """Make the change on a copy, copy that, and compute one loss and its gradients."""
    changed = copied(model)
    found.make(changed)
    changed = copied(changed)
    example.first_loss(changed).backward()  # type: ignore[no-untyped-call]


def _said(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
