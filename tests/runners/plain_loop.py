"""A training loop as a user would write it, which records nothing but the loss."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.utils import clip_grad_norm_

from tests.cases import CPU
from trainsense import Workload
from trainsense.workload.seeding import derived_seed, seed_all


@dataclass(frozen=True, kw_only=True)
class Plain:
    """What the plain loop saw: the loss and the gradient norm before clipping, one per step."""

    losses: list[float]
    norms: list[float]


def train(
    workload: Workload,
    *,
    lr: float,
    steps: int,
    clip_norm: float | None = None,
    factor: Callable[[int], float] = lambda step: 1.0,
) -> Plain:
    """Train on seed 0; `factor` scales the learning rate of every group at each step."""
    batches = [batch for _ in range(steps) for batch in workload.data()]
    seed_all(derived_seed(0, "weights"))
    model = workload.model().train()
    optimizer = workload.optimizer(model, lr)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    scaler = torch.amp.GradScaler("cpu", enabled=workload.autocast is torch.float16)
    seed_all(derived_seed(0, "steps"))
    losses, norms = [], []
    for step in range(steps):
        optimizer.zero_grad()
        total = 0.0
        for index in range(workload.accumulate):
            batch = batches[step * workload.accumulate + index]
            with torch.autocast(CPU.type, dtype=workload.autocast, enabled=workload.autocast is not None):
                loss = workload.loss(model, batch)
            scaler.scale(loss / workload.accumulate).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        scaler.unscale_(optimizer)
        gradients = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
        norms.append(float(torch.cat(gradients).double().norm()))
        if clip_norm is not None:
            clip_grad_norm_(model.parameters(), clip_norm)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        losses.append(total / workload.accumulate)
    return Plain(losses=losses, norms=norms)
