"""Reads the optimizers of the trials of a stack: the same parameter groups, learning rates and weight decays of their own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from trainsense.records.trial import Trial
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.runners.stacked.updates import RULES
from trainsense.workload.contract import Workload
from trainsense.workload.optimizers import build_optimizer

OF_EACH_TRIAL: Final = ("params", "lr", "initial_lr", "weight_decay")
"""Of a group's settings, those that a trial may have of its own, and its parameters."""
WITHOUT_BEARING: Final = ("foreach", "fused", "capturable")
"""Of a group's settings, those that choose among implementations of one formula."""
_HOOKS: Final = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
_GLOBAL_HOOKS: Final = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")


@dataclass(frozen=True, kw_only=True)
class Group:
    """A parameter group.

    Attributes:
        parameters: what it updates.
        lrs: by trial.
        weight_decays: by trial.
        options: its other settings.
    """

    parameters: tuple[nn.Parameter, ...]
    lrs: tuple[float, ...]
    weight_decays: tuple[float, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class StackedOptimizer:
    """What updates the stack.

    Attributes:
        kind: torch's class.
        groups: its parameter groups.
    """

    kind: type[Optimizer]
    groups: tuple[Group, ...]


def read_optimizers(workload: Workload, model: nn.Module, trials: Sequence[Trial]) -> StackedOptimizer:
    """Build the optimizer of every trial over the same model and read its settings.

    Args:
        workload: whose optimizer it is.
        model: its parameters are in the groups.
        trials: with one optimizer by name.

    Raises:
        UnstackableError: it is none of those that can be stacked, or differs from trial to trial in more than learning
            rates and weight decays.
        UserCodeError: the user's factory raised.
    """
    optimizers = [build_optimizer(workload, model, trial.lr, trial.optimizer) for trial in trials]
    for optimizer in optimizers:
        _check(optimizer)
        _check_parameters(optimizer, model)
    first = optimizers[0]
    shape = _shape(first)
    if any(_shape(other) != shape for other in optimizers[1:]):
        msg = "the optimizer has other parameter groups, or other settings, at another learning rate"
        raise UnstackableError(msg)
    groups = tuple(
        Group(
            parameters=tuple(group["params"]),
            lrs=tuple(float(one.param_groups[index]["lr"]) for one in optimizers),
            weight_decays=tuple(float(one.param_groups[index]["weight_decay"]) for one in optimizers),
            options=_options(group, type(first)),
        )
        for index, group in enumerate(first.param_groups)
    )
    return StackedOptimizer(kind=type(first), groups=groups)


def _check(optimizer: Optimizer) -> None:
    """Raise unless the optimizer steps by torch's formula and nothing else."""
    name = type(optimizer).__name__
    if type(optimizer) not in RULES:
        msg = f"{name} is none of {', '.join(kind.__name__ for kind in RULES)}"
        raise UnstackableError(msg)
    everywhere = (getattr(sys.modules[Optimizer.__module__], hooks, None) for hooks in _GLOBAL_HOOKS)
    if "step" in vars(optimizer) or any(getattr(optimizer, hooks, None) for hooks in _HOOKS) or any(everywhere):
        msg = f"something is attached to the step of {name}: a hook, or a scheduler"
        raise UnstackableError(msg)
    if optimizer.state:
        msg = f"{name} comes with a state"
        raise UnstackableError(msg)
    if any(group.get("differentiable") for group in optimizer.param_groups):
        msg = f"{name} is differentiable"
        raise UnstackableError(msg)


def _check_parameters(optimizer: Optimizer, model: nn.Module) -> None:
    own = {id(parameter) for parameter in model.parameters()}
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if any(id(parameter) not in own for parameter in held):
        msg = "the optimizer updates tensors that are no parameters of the model"
        raise UnstackableError(msg)


def _shape(optimizer: Optimizer) -> tuple[object, ...]:
    """Return what must be equal for all trials."""
    kind = type(optimizer)
    return (
        kind,
        *(
            (tuple(id(one) for one in group["params"]), tuple(sorted(_options(group, kind).items())))
            for group in optimizer.param_groups
        ),
    )


def _options(group: Mapping[str, Any], kind: type[Optimizer]) -> dict[str, Any]:
    options = {
        name: _plain(value)
        for name, value in group.items()
        if name not in OF_EACH_TRIAL and name not in WITHOUT_BEARING
    }
    if kind is AdamW:
        options["decoupled_weight_decay"] = True
    return options


def _plain(value: Any) -> Any:
    """Return a setting without tensors."""
    if isinstance(value, Tensor):
        return float(value)
    return tuple(_plain(one) for one in value) if isinstance(value, (tuple, list)) else value
