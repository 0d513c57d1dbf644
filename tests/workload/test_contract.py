"""A workload is checked when it is made; the message names the field and what was found."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainsense import SCHEDULES, Workload
from trainsense.errors import WorkloadError


def build() -> nn.Module:
    """Return the smallest model."""
    return nn.Linear(2, 1)


def batches() -> list[Tensor]:
    """Return one batch."""
    return [torch.ones(4, 2)]


def mean_output(net: nn.Module, batch: Tensor) -> Tensor:
    """Return a loss."""
    return torch.as_tensor(net(batch)).mean()


def workload(**changes: Any) -> Workload:
    """Return a good workload with some fields changed."""
    return Workload(**{"model": build, "data": batches, "loss": mean_output, **changes})


def test_defaults_are_the_contracts() -> None:
    """Three functions are enough; the rest has the contract's defaults."""
    made = workload()
    assert (made.lr, made.schedule, made.clip_norm, made.max_train_steps, made.accumulate) == (
        None,
        None,
        None,
        None,
        1,
    )
    assert isinstance(made.optimizer(build(), 0.5), torch.optim.AdamW)
    assert made.optimizer(build(), 0.5).param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_named_schedule_is_accepted(name: str) -> None:
    """The names in SCHEDULES are what `schedule` takes."""
    assert workload(schedule=name).schedule == name


def test_callables_of_any_kind_are_accepted() -> None:
    """Classes, lambdas and functions with defaults are functions too."""
    workload(model=nn.Identity, schedule=lambda step: 0.9**step, data=lambda size=4: [torch.ones(size, 2)])


BAD = [
    ({"model": nn.Linear(2, 1)}, "Workload.model must be a function that builds the model"),
    ({"model": "net"}, "Workload.model must be a function, not str ('net')"),
    ({"data": [torch.ones(1)]}, "Workload.data must be a function, not list"),
    ({"loss": 3}, "Workload.loss must be a function, not int (3)"),
    ({"loss": lambda net: net}, "Workload.loss must accept 2 arguments"),
    ({"optimizer": torch.optim.SGD([torch.ones(1)], lr=1)}, "Workload.optimizer must be a function, not SGD"),
    ({"optimizer": lambda net: net}, "Workload.optimizer must accept 2 arguments"),
    ({"eval_data": [1]}, "Workload.eval_data must be a function, not list"),
    ({"metrics": lambda net, batch: {}}, "Workload.metrics needs eval_data"),
    ({"lr": 0}, "Workload.lr must be finite and above 0, not 0"),
    ({"lr": -1.0}, "Workload.lr must be finite and above 0, not -1.0"),
    ({"lr": float("nan")}, "Workload.lr must be finite and above 0, not nan"),
    ({"lr": "0.1"}, "Workload.lr must be a number above 0 or None, not str ('0.1')"),
    ({"lr": True}, "Workload.lr must be a number above 0 or None, not bool (True)"),
    ({"schedule": "cosin"}, "Did you mean 'cosine'?"),
    ({"schedule": 3}, "Workload.schedule must be a function, not int (3)"),
    ({"clip_norm": 0.0}, "Workload.clip_norm must be finite and above 0, not 0.0"),
    ({"max_train_steps": 0}, "Workload.max_train_steps must be a whole number of at least 1"),
    ({"accumulate": 0}, "Workload.accumulate must be a whole number of at least 1, not int (0)"),
    ({"accumulate": None}, "Workload.accumulate must be a whole number of at least 1, not None"),
    ({"autocast": torch.float64}, "Workload.autocast must be torch.float16, torch.bfloat16 or None"),
    ({"name": " "}, "Workload.name must be a non-empty string or None"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[message[:50] for _, message in BAD])
def test_a_wrong_field_is_named(changes: dict[str, object], message: str) -> None:
    """Every wrong field is one clear error."""
    with pytest.raises(WorkloadError, match=re.escape(message)):
        workload(**changes)
