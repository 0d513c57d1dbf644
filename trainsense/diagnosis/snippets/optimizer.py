"""The call that builds the optimizer of a set of settings."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from trainsense.records.plan import Subject
from trainsense.records.settings import Settings
from trainsense.workload.optimizers import DECOUPLED, SGD_MOMENTUM, carried_weight_decay

GROUPS: Final = "# with today's parameter groups and their lr ratios, but not their weight decay:"
GROUPS_AND_DECAY: Final = "# with today's parameter groups, their lr ratios and weight decay:"
"""Above a named optimizer that takes over what cannot be written down."""


@dataclass(frozen=True, kw_only=True)
class OptimizerCall:
    """A call of a class in `torch.optim`.

    Args:
        name: the class.
        arguments: keyword arguments besides `lr`, where they differ from torch's defaults.
        caveat: a comment on what else belongs to it and cannot be written down; empty where it is complete.
    """

    name: str
    arguments: Mapping[str, Any]
    caveat: str = ""

    @property
    def weight_decay(self) -> float:
        """Return the weight decay, torch's default included."""
        return float(self.arguments.get("weight_decay", _default_weight_decay(self.name)))

    def lines(self, parameters: str) -> list[str]:
        """Return the line that builds `optimizer` over `parameters` with `lr`, below what must be said of it.

        >>> OptimizerCall(name="SGD", arguments={"momentum": 0.9}).lines("model.parameters()")
        ['optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)']
        """
        arguments = [parameters, "lr=lr", *(f"{name}={value!r}" for name, value in self.arguments.items())]
        return [*([self.caveat] if self.caveat else []), f"optimizer = torch.optim.{self.name}({', '.join(arguments)})"]


def optimizer_call(settings: Settings, subject: Subject) -> OptimizerCall | None:
    """Return the call that builds the optimizer of `settings`; None where it is the user's and cannot be written down.

    A named optimizer takes over what it does in trials (`trainsense.workload.optimizers`).
    """
    own = _parsed(subject.optimizer_code) if subject.optimizer_code else None
    name = settings.optimizer
    if name is None:
        return own
    arguments: dict[str, Any] = {"momentum": SGD_MOMENTUM} if name == "SGD" else {}
    if own is None:
        of_a_kind = (subject.optimizer in DECOUPLED) == (name in DECOUPLED)
        return OptimizerCall(name=name, arguments=arguments, caveat=GROUPS_AND_DECAY if of_a_kind else GROUPS)
    weight_decay = carried_weight_decay(own.name, own.weight_decay, name)
    if weight_decay != _default_weight_decay(name):
        arguments["weight_decay"] = weight_decay
    return OptimizerCall(name=name, arguments=arguments)


def _parsed(code: str) -> OptimizerCall:
    """Return the call in `code`, which is a Python expression: `{parameters}` reads as a set.

    >>> _parsed("torch.optim.Adam({parameters}, lr=lr, betas=(0.9, 0.98))")
    OptimizerCall(name='Adam', arguments={'betas': (0.9, 0.98)}, caveat='')
    """
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    arguments = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg and one.arg != "lr"}
    return OptimizerCall(name=call.func.attr, arguments=arguments)


def _default_weight_decay(name: str) -> float:
    parameter = inspect.signature(getattr(torch.optim, name)).parameters.get("weight_decay")
    return 0.0 if parameter is None else float(parameter.default)
