"""The dry run: the faults that only a batch shows, each in one sentence that names the field."""

from typing import Any, cast

import pytest
import torch
from torch import nn
from torch.optim import SGD

from tests import cases
from tests.cases import CPU, fixed_batches, mlp, squared_error, workload
from trainsense.errors import UserCodeError, WorkloadError
from trainsense.runners.bench import prepare
from trainsense.workload.contract import Workload
from trainsense.workload.dry_run import dry_run
from trainsense.workload.seeding import random_state_kept

SHARED = mlp()


def off_target(model: nn.Module, batch: Any) -> torch.Tensor:
    """Return a loss with a gradient that no parameter of the model feels."""
    return torch.ones((), requires_grad=True) * 2


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("the same model", {"model": lambda: SHARED}, "fresh one at every call"),
    ("the same parameters", {"model": lambda: nn.Sequential(SHARED)}, "the same parameters"),
    ("no module", {"model": lambda: 3}, r"Workload\.model must return a torch\.nn\.Module, not int"),
    ("no parameters", {"model": nn.ReLU}, "without trainable parameters"),
    ("lazy", {"model": lambda: nn.LazyLinear(1)}, "lazy parameters"),
    ("a vector", {"loss": lambda net, batch: net(batch[0])}, r"not a tensor of shape \(8, 1\)"),
    ("no tensor", {"loss": lambda net, batch: 0.5}, "not float"),
    ("an integer", {"loss": lambda net, batch: torch.tensor(3)}, r"floating-point scalar, not torch\.int64"),
    ("detached", {"loss": lambda net, batch: squared_error(net, batch).detach()}, "without gradient"),
    ("another's gradient", {"loss": off_target}, "none reaches the model's parameters"),
    ("lr ignored", {"optimizer": lambda net, lr: SGD(net.parameters(), lr=0.1)}, "ignores the learning rate"),
    ("no optimizer", {"optimizer": lambda net, lr: lr}, r"must return a torch\.optim\.Optimizer, not float"),
    ("metrics no mapping", {"eval_data": fixed_batches, "metrics": lambda net, batch: 1}, "must return a mapping"),
    (
        "metric no scalar",
        {"eval_data": fixed_batches, "metrics": lambda net, batch: {"a": torch.zeros(2)}},
        r"metrics\['a'\] must be a scalar",
    ),
    ("schedule no number", {"schedule": lambda step: "high"}, "must return a number, not str"),
]


@pytest.mark.parametrize(("fields", "says"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_is_one_sentence(fields: dict[str, Any], says: str) -> None:
    """With the field's name."""
    with random_state_kept(), pytest.raises(WorkloadError, match=says):
        dry_run(workload(**fields), CPU, 0)


def test_an_error_of_the_user_is_told_as_theirs() -> None:
    """Where, what, and their own lines."""
    with random_state_kept(), pytest.raises(UserCodeError, match=r"Workload\.loss, batch 0, raised") as caught:
        dry_run(workload(model=lambda: nn.Linear(7, 1)), CPU, 0)
    assert "squared_error" in caught.value.user_traceback


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_every_workload_of_the_table_passes(case: cases.Case) -> None:
    """The sick ones too: that is what findings are for."""
    with random_state_kept():
        seen = dry_run(case.make(), CPU, 0)
    assert seen.parameters > 0
    assert not seen.mutates_batches


def test_mutation_is_noticed_and_undone() -> None:
    """A loss that writes into its batch does not reach the user's data."""
    batches = fixed_batches()
    expected = batches[0][0].clone()

    def loss(model: nn.Module, batch: Any) -> torch.Tensor:
        batch[0].add_(1)
        return squared_error(model, batch)

    kept = [(rows.clone(), targets) for rows, targets in batches]
    with random_state_kept():
        assert dry_run(workload(data=lambda: kept, loss=loss), CPU, 0).mutates_batches
    assert torch.equal(kept[0][0], expected)


def test_a_loss_that_differentiates_by_itself_is_evaluated_with_gradients() -> None:
    """As physics-informed losses and gradient penalties do."""

    def loss(model: nn.Module, batch: Any) -> torch.Tensor:
        inputs = batch[0].clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(inputs).sum(), inputs, create_graph=True)
        return cast("torch.Tensor", ((slope - 1) ** 2).mean())

    batches = [(torch.randn(8, 2), torch.zeros(8))]
    workload = Workload(
        model=lambda: nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)),
        data=lambda: batches,
        eval_data=lambda: batches,
        loss=loss,
    )
    bench = prepare(workload, torch.device("cpu"), 0)
    assert bench.seen.needs_gradient
    assert bench.probe_loss(bench.fresh_model(0)) > 0
