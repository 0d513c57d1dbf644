"""Optimizers by name over the parameter groups of the user's own, and the user's own as a line of code."""

import inspect
from typing import Any, Final

import torch
from torch import nn
from torch.optim import Optimizer

from trainsense.workload.contract import Workload
from trainsense.workload.user_traceback import user_code

SGD_MOMENTUM: Final = 0.9
"""Momentum of the SGD that `change-optimizer` tries: the customary value."""
DECOUPLED: Final = frozenset({"AdamW"})
"""Of the named optimizers, those whose weight decay is no penalty on the loss (Loshchilov and Hutter, 2019)."""


def build_optimizer(workload: Workload, model: nn.Module, lr: float, name: str | None) -> Optimizer:
    """Return the workload's own optimizer for `model`, or the named one in its place.

    A named one takes over the parameter groups: which parameters, the ratio of each group's lr to `lr`, and the weight
    decay as far as it means the same there.

    Args:
        workload: whose optimizer it is.
        model: its parameters are optimised.
        lr: learning rate, above 0.
        name: from `records.settings.OPTIMIZERS`, or None.

    Raises:
        UserCodeError: the user's factory raised.
    """
    with user_code("Workload.optimizer"):
        own = workload.optimizer(model, lr)
    if name is None:
        return own
    groups = [
        {
            "params": group["params"],
            "lr": float(group["lr"]),
            "weight_decay": carried_weight_decay(type(own).__name__, float(group.get("weight_decay", 0.0)), name),
        }
        for group in own.param_groups
    ]
    extra = {"momentum": SGD_MOMENTUM} if name == "SGD" else {}
    return getattr(torch.optim, name)(groups, lr=lr, **extra)  # type: ignore[no-any-return]


def carried_weight_decay(own: str, weight_decay: float, name: str) -> float:
    """Return the weight decay of a named optimizer in place of the user's own.

    AdamW's is decoupled from the gradient, that of all others is an L2 penalty: the number is carried over within its kind.
    Across kinds it means something else (0.01 is AdamW's default, and as a penalty in Adam it cost a small transformer 10 %
    of the loss drop: recipes/healthy_transformer.py), so that torch's default takes its place.

    >>> carried_weight_decay("AdamW", 0.1, "Adam"), carried_weight_decay("SGD", 5e-4, "Adam")
    (0.0, 0.0005)
    """
    if (own in DECOUPLED) == (name in DECOUPLED):
        return weight_decay
    return float(inspect.signature(getattr(torch.optim, name)).parameters["weight_decay"].default)


def code_of(optimizer: Optimizer, model: nn.Module) -> str:
    """Return the call that builds `optimizer`, with `{parameters}` for the parameters; empty where it cannot be told.

    It cannot for a class that torch does not have, for parameters left out, and for several parameter groups.

    >>> net = nn.Linear(1, 1)
    >>> code_of(torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), net)
    'torch.optim.SGD({parameters}, lr=lr, momentum=0.9)'
    """
    kind = type(optimizer)
    groups = optimizer.param_groups
    held = {id(parameter) for group in groups for parameter in group["params"]}
    if getattr(torch.optim, kind.__name__, None) is not kind or len(groups) != 1:
        return ""
    if held != {id(parameter) for parameter in model.parameters()}:
        return ""
    arguments = ["{parameters}", "lr=lr"]
    for name, parameter in inspect.signature(kind).parameters.items():
        value = groups[0].get(name, parameter.default)
        if name not in ("params", "lr") and parameter.default is not parameter.empty and value != parameter.default:
            if not _plain(value):
                return ""
            arguments.append(f"{name}={value!r}")
    return f"torch.optim.{kind.__name__}({', '.join(arguments)})"


def _plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, tuple) and all(_plain(one) for one in value))
