"""Plan one edit of one model, and make it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.workload.edits.architectures import squares
from trainsense.workload.edits import Change, Example, plan_edit


def planned(
    edit: str, model: nn.Module, *batches: Any, loss: Callable[[nn.Module, Any], Tensor] = squares
) -> Change | str:
    """Return the change, or the reason why not."""
    found = plan_edit(edit, model.train(), Example(loss=loss, batches=batches))
    return found if isinstance(found, Change) else found.reason


def made(
    edit: str, model: nn.Module, *batches: Any, loss: Callable[[nn.Module, Any], Tensor] = squares
) -> tuple[str, ...]:
    """Make the edit on `model` and return what it changed."""
    found = planned(edit, model, *batches, loss=loss)
    assert isinstance(found, Change), found
    torch.manual_seed(0)
    found.make(model)
    return found.survey.changes


def refused(edit: str, model: nn.Module, *batches: Any, loss: Callable[[nn.Module, Any], Tensor] = squares) -> str:
    """Return the reason why the edit cannot be applied."""
    found = planned(edit, model, *batches, loss=loss)
    assert isinstance(found, str), found.survey
    return found
