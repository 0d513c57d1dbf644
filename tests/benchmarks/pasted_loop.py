"""The loop that anyone would write, with the lines of a recommendation pasted into it; nothing of trainsense's runner is used.

Only the seeds are drawn as in plain_loop.py, so that two trainings of one seed start from the same weights and see the
same batches.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from tests.benchmarks.plain_loop import batches_of
from trainsense import Workload
from trainsense.workload.seeding import derived_seed, seed_all

BETWEEN = "# between loss.backward() and optimizer.step():"
AFTER = "# after every optimizer.step():"
AS_TODAY = "# build the optimizer as today, with this lr"
WITHOUT_CLIPPING = "# take clip_grad_norm_ out of the loop"


@dataclass(frozen=True, kw_only=True)
class Pasted:
    """Lines to paste, by their place in the loop.

    Attributes:
        setup: once, after the model is built.
        between: between `loss.backward()` and `optimizer.step()`.
        after: after every `optimizer.step()`.
        clips: whether the loop's own clipping stays as it is today.
    """

    setup: str
    between: str
    after: str
    clips: bool


def parted(code: str) -> Pasted:
    """Part the lines at the two comments that name a place; where they leave the optimizer to the user, build it as today."""
    head, _, after = code.partition(AFTER)
    setup, _, between = head.partition(BETWEEN)
    return Pasted(
        setup=setup.replace(AS_TODAY, "optimizer = optimizer_as_today(model, lr)"),
        between=between,
        after=after,
        clips=not between and WITHOUT_CLIPPING not in setup,
    )


def train_pasted(workload: Workload, code: str, seed: int, *, steps: int) -> float:
    """Return the score of one training: as in `plain_loop.Training`, infinite where it left the finite range.

    Args:
        workload: trains at a constant learning rate.
        code: lines that give `lr`, and whatever else a recommendation holds; they expect `torch` and `model`.
        seed: of weights, batches and per-step randomness.
        steps: optimizer updates, a warmup among them.
    """
    assert workload.schedule is None
    lines = parted(code)
    batches = batches_of(workload, seed, steps)
    held_out = None if workload.eval_data is None else list(workload.eval_data())
    seed_all(derived_seed(seed, "weights"))
    names: dict[str, Any] = {"torch": torch, "model": workload.model(), "optimizer_as_today": workload.optimizer}
    exec(lines.setup, names)  # noqa: S102 - what the report says to paste is what is tried here
    model: nn.Module = names["model"]
    if "optimizer" not in names:
        names["optimizer"] = workload.optimizer(model, names["lr"])
    optimizer: torch.optim.Optimizer = names["optimizer"]
    between, after = (compile(text, "pasted", "exec") for text in (lines.between, lines.after))
    evaluations: list[float] = []
    losses: list[float] = []
    seed_all(derived_seed(seed, "steps"))
    for step, batch in enumerate(batches):
        if held_out is not None and step in (round(0.9 * steps), round(0.95 * steps)):
            evaluations.append(held_out_loss(workload, model, held_out))
        optimizer.zero_grad()
        loss = workload.loss(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            return math.inf
        if lines.clips and workload.clip_norm is not None:
            clip_grad_norm_(model.parameters(), workload.clip_norm)
        exec(between, names)  # noqa: S102
        optimizer.step()
        exec(after, names)  # noqa: S102
    if held_out is None:
        score = fmean(losses[-steps // 10 :])
    else:
        score = fmean([*evaluations, held_out_loss(workload, model, held_out)])
    return score if math.isfinite(score) else math.inf


@torch.no_grad()
def held_out_loss(workload: Workload, model: nn.Module, batches: Iterable[Any]) -> float:
    """Return the mean loss in evaluation mode."""
    model.eval()
    losses = [workload.loss(model, batch).item() for batch in batches]
    model.train()
    return fmean(losses)
