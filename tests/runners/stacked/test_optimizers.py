"""Every optimizer that is stacked steps as torch's does; every other is told apart."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.optim import Optimizer

from tests.cases import workload
from tests.runners.stacked.agreement import assert_agree, beside, trials
from trainsense.runners.stacked.refusal import UnstackableError


def dropped() -> nn.Module:
    """Build a network all of whose parameters matter: no bias before a normalisation."""
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 1))


FORMULAS: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "SGD": (optim.SGD, {"weight_decay": 0.01}),
    "momentum": (optim.SGD, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    "Nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "Adam": (optim.Adam, {"weight_decay": 0.01, "betas": (0.8, 0.95)}),
    "AdamW": (optim.AdamW, {"weight_decay": 0.1}),
    "AMSGrad": (optim.AdamW, {"amsgrad": True, "eps": 1e-6}),
    "fused": (optim.AdamW, {"fused": True}),
    "NAdam": (optim.NAdam, {"weight_decay": 0.01}),
    "NAdamW": (optim.NAdam, {"weight_decay": 0.01, "decoupled_weight_decay": True}),
    "RMSprop": (optim.RMSprop, {"weight_decay": 0.01, "alpha": 0.9}),
    "ascent": (optim.SGD, {"maximize": True, "weight_decay": 0.01}),
    "ascending AdamW": (optim.AdamW, {"maximize": True}),
    "centered": (optim.RMSprop, {"centered": True, "momentum": 0.9}),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_is_torchs(name: str) -> None:
    kind, options = FORMULAS[name]
    made = workload(model=dropped, optimizer=lambda model, lr: kind(model.parameters(), lr=lr, **options))  # type: ignore[call-arg]
    assert_agree(made, trials(1e-3, 1e-2))


def test_groups_keep_their_ratio_and_settings() -> None:
    def groups(model: nn.Module, lr: float) -> Optimizer:
        first, *rest = model.children()
        others = [parameter for layer in rest for parameter in layer.parameters()]
        return optim.AdamW(
            [
                {"params": list(first.parameters()), "weight_decay": 0.1 * lr, "lr": torch.tensor(lr)},
                {"params": others, "lr": 0.1 * lr, "betas": (0.5, 0.9)},
            ],
            weight_decay=0.2,
        )

    assert_agree(workload(model=dropped, optimizer=groups), trials(1e-3, 1e-2))


class Own(optim.SGD):
    """Might step in its own way."""


def hooked(model: nn.Module, lr: float) -> Optimizer:
    made = optim.SGD(model.parameters(), lr=lr)
    made.register_step_pre_hook(lambda *_: None)
    return made


def scheduled(model: nn.Module, lr: float) -> Optimizer:
    made = optim.SGD(model.parameters(), lr=lr)
    optim.lr_scheduler.ConstantLR(made)
    return made


def halved(gradient: Tensor) -> Tensor:
    return 0.5 * gradient


def clamped(model: nn.Module, lr: float) -> Optimizer:
    for parameter in model.parameters():
        parameter.register_hook(halved)  # type: ignore[no-untyped-call]
    return optim.SGD(model.parameters(), lr=lr)


OTHERS: dict[str, tuple[Callable[[nn.Module, float], Optimizer], str]] = {
    "another class": (lambda model, lr: optim.Adagrad(model.parameters(), lr=lr), "Adagrad is none of"),
    "a class of the user's": (lambda model, lr: Own(model.parameters(), lr=lr), "Own is none of"),
    "a hook": (hooked, "a hook, or a scheduler"),
    "a scheduler": (scheduled, "a hook, or a scheduler"),
    "a hook on gradients": (clamped, "hooks are attached to its parameters"),
    "other settings at another lr": (
        lambda model, lr: optim.Adam(model.parameters(), lr=lr, betas=(1 - lr, 0.9)),
        "at another learning rate",
    ),
    "foreign parameters": (
        lambda model, lr: optim.SGD([*model.parameters(), nn.Parameter(torch.ones(1))], lr=lr),
        "no parameters of the model",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_told_apart(name: str) -> None:
    optimizer, reason = OTHERS[name]
    with pytest.raises(UnstackableError, match=reason):
        beside(workload(optimizer=optimizer), trials(1e-3, 1e-2))
