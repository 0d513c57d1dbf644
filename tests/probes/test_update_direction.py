"""Which way the first update goes."""

import pytest
import torch
from torch import nn

from tests.cases import ROWS, TARGETS, workload
from tests.looking import findings
from trainsense.probes.update_direction import UpdateDirection


@pytest.mark.parametrize(("maximize", "cosine"), [(False, -1.0), (True, 1.0)])
def test_plain_gradient_steps(maximize: bool, cosine: float) -> None:  # noqa: FBT001
    """Against the gradient or along it, exactly; the first step that moves nothing does not count."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, maximize=maximize)
    watch = UpdateDirection()
    for step, lr in enumerate((0.0, 0.1, 0.1)):
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        nn.functional.mse_loss(model(ROWS), TARGETS).backward()  # type: ignore[no-untyped-call]
        watch.after_backward(step, model, optimizer)
        optimizer.step()
        watch.after_update(step, model, optimizer)
        assert (watch.cosine is None) == (step == 0)
    assert watch.cosine == pytest.approx(cosine, abs=1e-4)


def test_a_climbing_optimizer_is_named() -> None:
    """And its descending twin is not."""

    def adam(model: nn.Module, lr: float, *, maximize: bool = False) -> torch.optim.Optimizer:
        return torch.optim.Adam(model.parameters(), lr=lr, maximize=maximize)

    climbing = workload(optimizer=lambda model, lr: adam(model, lr, maximize=True), lr=1e-3)
    assert "climbs" in findings(climbing)["cannot-overfit-batch"].title
    assert "cannot-overfit-batch" not in findings(workload(optimizer=adam, lr=1e-3))
