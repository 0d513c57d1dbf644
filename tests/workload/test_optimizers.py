"""Optimizers by name over the user's parameter groups, and the user's own as a line of code."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from tests import cases
from tests.cases import workload
from trainsense.records.settings import OPTIMIZERS
from trainsense.workload.optimizers import build_optimizer, code_of


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_named_optimizer_takes_over_parameters_and_lr_ratios(name: str) -> None:
    """The last layer ten times slower, under any of them."""
    net = cases.mlp()
    made = build_optimizer(workload(optimizer=cases.grouped_sgd), net, 0.2, name)
    assert type(made) is getattr(torch.optim, name)
    assert [group["lr"] for group in made.param_groups] == pytest.approx([0.2, 0.02])
    held = [parameter for group in made.param_groups for parameter in group["params"]]
    assert {id(parameter) for parameter in held} == {id(parameter) for parameter in net.parameters()}


def test_without_a_name_it_is_the_users_own() -> None:
    """As their factory built it."""
    made = build_optimizer(workload(optimizer=cases.sgd), cases.mlp(), 0.2, None)
    assert made.param_groups[0]["momentum"] == 0.9


def test_frozen_and_forgotten_parameters_stay_out() -> None:
    """What the user does not train, no named optimizer trains."""

    def head_alone(model: nn.Module, lr: float) -> Optimizer:
        return torch.optim.SGD(list(model.children())[-1].parameters(), lr=lr)

    made = build_optimizer(workload(optimizer=head_alone), cases.mlp(), 0.1, "Adam")
    assert len(made.param_groups[0]["params"]) == 2


@pytest.mark.parametrize(
    ("own", "name", "expected"),
    [
        ("SGD", "Adam", 0.1),
        ("SGD", "AdamW", 0.01),
        ("AdamW", "SGD", 0.0),
        ("AdamW", "AdamW", 0.1),
        ("Adam", "NAdam", 0.1),
    ],
)
def test_weight_decay_is_carried_over_within_its_kind(own: str, name: str, expected: float) -> None:
    """Decoupled or a penalty; across kinds torch's default takes its place."""

    def decaying(model: nn.Module, lr: float) -> Optimizer:
        kind: Any = getattr(torch.optim, own)
        made: Optimizer = kind(model.parameters(), lr=lr, weight_decay=0.1)
        return made

    made = build_optimizer(workload(optimizer=decaying), cases.mlp(), 0.1, name)
    assert made.param_groups[0]["weight_decay"] == expected


class Own(torch.optim.SGD):
    """A class of the user's."""


def test_the_code_of_an_optimizer_rebuilds_it() -> None:
    """Whatever differs from torch's defaults is in it."""
    net = cases.mlp()
    made = torch.optim.AdamW(net.parameters(), lr=0.1, betas=(0.8, 0.95), amsgrad=True)
    code = code_of(made, net)
    names = {"torch": torch, "lr": 0.1}
    again = eval(code.format(parameters="parameters"), {**names, "parameters": list(net.parameters())})  # noqa: S307
    for key in ("lr", "betas", "amsgrad", "weight_decay", "eps"):
        assert again.param_groups[0][key] == made.param_groups[0][key]


@pytest.mark.parametrize(
    "build",
    [
        lambda net: Own(net.parameters(), lr=0.1),
        lambda net: torch.optim.SGD(list(net.parameters())[:2], lr=0.1),
        lambda net: cases.grouped_sgd(net, 0.1),
    ],
    ids=["a class of the user's", "some parameters", "several groups"],
)
def test_what_cannot_be_written_down_has_no_code(build: Any) -> None:
    """An empty string, and the snippets say so in words."""
    net = cases.mlp()
    assert code_of(build(net), net) == ""
