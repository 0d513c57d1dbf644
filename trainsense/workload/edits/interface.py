"""What a model edit gets to see, and what it says."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.batches import cloned
from trainsense.records.model_edit import EditSurvey

LINE: Final = 100
"""Longer lines of code are broken where that is simple: less than ruff's and black's limits leave to an indented block."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """What a survey may look at, besides the model.

    Args:
        loss: the user's loss of one batch, autocast included.
        batches: some training batches, 1 to 64, on the model's device.
    """

    loss: Callable[[nn.Module, Any], Tensor]
    batches: tuple[Any, ...]

    def first_loss(self, model: nn.Module) -> Tensor:
        """Return the loss on a copy of the first batch."""
        return self.loss(model, cloned(self.batches[0]))


@dataclass(frozen=True, kw_only=True)
class Change:
    """A model edit worked out for one architecture.

    Args:
        survey: what it changes.
        make: makes it in place on a fresh model of the same architecture; may draw from torch's global generator.
    """

    survey: EditSurvey
    make: Callable[[nn.Module], None]


def change(
    edit: str, *, changes: tuple[str, ...], code: str, advice: str, given: Mapping[str, Any] | None = None
) -> Change:
    """Return the change that `code` makes, so that what is tried is what is to be pasted.

    Args:
        edit: the edit's name.
        changes: paths of what it changes.
        code: Python that reads `torch`, `model` and what is `given`, and changes `model` in place.
        advice: the change in words.
        given: further names that the code reads.
    """
    compiled = compile(code, f"<{edit}>", "exec")

    def make(model: nn.Module) -> None:
        names: dict[str, Any] = {"torch": torch, "model": model, **(given or {})}
        exec(compiled, names)  # noqa: S102 - our own lines, in which names are quoted
        for name in [name for name, value in names.items() if isinstance(value, nn.Module)]:
            del names[name]  # functions that the model now holds would hold it in turn, and its memory

    survey = EditSurvey(edit=edit, changes=changes, reason="", code=code, advice=advice)
    return Change(survey=survey, make=make)


def refusal(edit: str, reason: str, advice: str) -> EditSurvey:
    """Return the survey of an edit that cannot be applied."""
    return EditSurvey(edit=edit, changes=(), reason=reason, code="", advice=advice)


def as_tuple(names: tuple[str, ...]) -> str:
    """Return the names as a Python tuple, one a line if they are many.

    >>> print(as_tuple(("a", "b")))
    ("a", "b")
    """
    quoted = [json.dumps(name) for name in names]
    line = "(" + ", ".join(quoted) + ("," if len(names) == 1 else "") + ")"
    if len(line) <= LINE:
        return line
    return "(\n" + "".join(f"    {name},\n" for name in quoted) + ")"
