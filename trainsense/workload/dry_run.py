"""One batch through the whole workload, before anything long starts (CONTRACT 1)."""

import numbers
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.batches import cloned, tensors_of, to_device
from trainsense.errors import UserCodeError, WorkloadError
from trainsense.probes.loss_terms import out_of_range_targets
from trainsense.ranks.ranks import ALONE, Ranks
from trainsense.workload.contract import Workload
from trainsense.workload.replay import Replay
from trainsense.workload.seeding import derived_seed, seed_all
from trainsense.workload.user_traceback import user_code

_TRIED_LR = 1e-3
"""The learning rate of the dry run where the workload names none."""


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What one batch showed.

    Attributes:
        parameters: number of trainable scalars.
        mutates_batches: whether the loss writes into its batch, so that replayed batches have to be copied.
        needs_gradient: whether the loss differentiates by itself, so that it cannot be evaluated without gradients.
        first_loss: loss of the fresh model on the first batch; may be NaN or infinite, which is a finding, no error.
    """

    parameters: int
    mutates_batches: bool
    needs_gradient: bool
    first_loss: float


def autocast(workload: Workload, device: torch.device) -> AbstractContextManager[object]:
    """Return the workload's autocast context for forward passes on `device`."""
    if workload.autocast is None:
        return nullcontext()
    return torch.autocast(device.type, dtype=workload.autocast)


def fresh_model(workload: Workload, device: torch.device, seed: int) -> nn.Module:
    """Build the model under the weight stream of `seed` and move it to `device`, in training mode.

    Raises:
        UserCodeError: the user's function raised.
        WorkloadError: it returned something else than a module.
    """
    seed_all(derived_seed(seed, "weights"))
    with user_code("Workload.model"):
        model = workload.model()
    if not isinstance(model, nn.Module):
        hint = " Did you forget to return it?" if model is None else ""
        msg = f"Workload.model must return a torch.nn.Module, not {type(model).__name__}.{hint}"
        raise WorkloadError(msg)
    with user_code(f"moving the model to {device}"):
        return model.to(device).train()


def dry_run(workload: Workload, device: torch.device, seed: int, ranks: Ranks = ALONE) -> DryRun:
    """Run one batch forward, backward and through the optimizer, and one eval batch.

    Args:
        workload: the user's.
        device: where it trains.
        seed: of weights and batches.
        ranks: the processes that train together.

    Raises:
        WorkloadError: a field does not do what the contract says; the message names the field and what was found.
        UserCodeError: the user's code raised.
    """
    model = fresh_model(workload, device, seed)
    parameters = _check_model(workload, model, device, seed)
    batch = to_device(cloned(Replay(workload.data, seed, "data", 1 << 28).first(1)[0]), device)
    optimizer = _checked_optimizer(workload, model)
    versions = [tensor._version for _, tensor in tensors_of(batch)]  # noqa: SLF001 - torch's in-place counter
    loss = _checked_loss(workload, model, batch, device)
    mutates = versions != [tensor._version for _, tensor in tensors_of(batch)]  # noqa: SLF001
    ranks.meet()
    with user_code("the backward pass of Workload.loss"):
        loss.backward()  # type: ignore[no-untyped-call]
    if all(parameter.grad is None for parameter in model.parameters()):
        msg = (
            "Workload.loss has a gradient, but none reaches the model's parameters: it must be computed from the "
            "model it is given."
        )
        raise WorkloadError(msg)
    with user_code("the step of Workload.optimizer"):
        optimizer.step()
    needs_gradient = _needs_gradient(workload, model, batch, device)
    _check_eval(workload, model, device, seed, needs_gradient=needs_gradient)
    if callable(workload.schedule):
        _check_schedule(workload.schedule)
    return DryRun(
        parameters=parameters,
        mutates_batches=mutates,
        needs_gradient=needs_gradient,
        first_loss=float(loss.detach()),
    )


def _check_model(workload: Workload, model: nn.Module, device: torch.device, seed: int) -> int:
    if any(isinstance(parameter, nn.UninitializedParameter) for parameter in model.parameters()):
        msg = "Workload.model has lazy parameters: run one batch through it before returning it, so that they are made."
        raise WorkloadError(msg)
    count = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if count == 0:
        msg = f"Workload.model returned a {type(model).__name__} without trainable parameters."
        raise WorkloadError(msg)
    again = fresh_model(workload, device, seed)
    shared = {id(parameter) for parameter in model.parameters()} & {id(parameter) for parameter in again.parameters()}
    if again is model or shared:
        msg = (
            "Workload.model returned the same model (or the same parameters) twice: it must build a fresh one at every "
            "call, since every trial starts from new weights."
        )
        raise WorkloadError(msg)
    return count


def _checked_optimizer(workload: Workload, model: nn.Module) -> Optimizer:
    lr = workload.lr or _TRIED_LR
    with user_code("Workload.optimizer"):
        optimizer = workload.optimizer(model, lr)
    if not isinstance(optimizer, Optimizer):
        hint = " Did you forget to return it?" if optimizer is None else ""
        msg = f"Workload.optimizer must return a torch.optim.Optimizer, not {type(optimizer).__name__}.{hint}"
        raise WorkloadError(msg)
    with user_code("Workload.optimizer"):
        doubled = workload.optimizer(model, 2 * lr)
    pairs = zip(optimizer.param_groups, doubled.param_groups, strict=False)
    if not any(abs(float(two["lr"]) - 2 * float(one["lr"])) <= 1e-6 * float(two["lr"]) for one, two in pairs):
        msg = (
            "Workload.optimizer ignores the learning rate it is given: at twice the lr no parameter group has twice the "
            "lr. Pass it on: def optimizer(model, lr): return torch.optim.SGD(model.parameters(), lr=lr)."
        )
        raise WorkloadError(msg)
    return optimizer


def _checked_loss(workload: Workload, model: nn.Module, batch: Any, device: torch.device) -> Tensor:
    seed_all(derived_seed(0, "dry-run"))
    untouched = cloned(batch)
    try:
        with user_code("Workload.loss, batch 0,"), autocast(workload, device):
            loss = workload.loss(model, batch)
    except UserCodeError as error:
        targets = out_of_range_targets(lambda: workload.loss(model, untouched))
        if not targets:
            raise
        msg = f"{str(error).rstrip('.')}. {targets}"
        raise UserCodeError(msg, error.user_traceback) from error.__cause__
    check_is_loss(loss)
    if not loss.requires_grad:
        msg = (
            "Workload.loss returned a tensor without gradient: it must depend on the model's parameters (no .detach(), "
            ".item() or torch.no_grad() on the way)."
        )
        raise WorkloadError(msg)
    return loss


def check_is_loss(loss: object) -> None:
    """Check that what the user's loss returned is a scalar floating-point tensor.

    Raises:
        WorkloadError: it is not.
    """
    if not isinstance(loss, Tensor):
        hint = {
            "NoneType": " Did you forget to return it?",
            "float": " Return the tensor itself, without .item().",
        }.get(type(loss).__name__, "")
        msg = f"Workload.loss must return a scalar tensor, not {type(loss).__name__}.{hint}"
        raise WorkloadError(msg)
    if loss.numel() != 1:
        msg = f"Workload.loss must return a scalar (the mean over the batch), not a tensor of shape {tuple(loss.shape)}: add .mean()."
        raise WorkloadError(msg)
    if not loss.is_floating_point():
        msg = f"Workload.loss must return a floating-point scalar, not {loss.dtype}."
        raise WorkloadError(msg)


def _needs_gradient(workload: Workload, model: nn.Module, batch: Any, device: torch.device) -> bool:
    """Return whether the loss, which has just run with gradients, fails without: it calls `torch.autograd.grad`, say."""
    try:
        with torch.no_grad(), autocast(workload, device):
            workload.loss(model, cloned(batch))
    except RuntimeError:
        return True
    return False


def _check_eval(workload: Workload, model: nn.Module, device: torch.device, seed: int, *, needs_gradient: bool) -> None:
    if workload.eval_data is None:
        return
    batch = to_device(cloned(Replay(workload.eval_data, seed, "eval_data", 1 << 28).first(1)[0]), device)
    model.eval()
    with torch.set_grad_enabled(needs_gradient), user_code("Workload.loss, eval batch 0,"), autocast(workload, device):
        loss = workload.loss(model, batch)
    check_is_loss(loss)
    if workload.metrics is None:
        return
    with torch.no_grad(), user_code("Workload.metrics, eval batch 0,"), autocast(workload, device):
        metrics = workload.metrics(model, batch)
    if not isinstance(metrics, Mapping):
        msg = f"Workload.metrics must return a mapping from name to scalar, not {type(metrics).__name__}."
        raise WorkloadError(msg)
    for name, value in metrics.items():
        scalar = value.numel() == 1 if isinstance(value, Tensor) else isinstance(value, numbers.Real)
        if not scalar:
            msg = f"Workload.metrics[{name!r}] must be a scalar, not {type(value).__name__}."
            raise WorkloadError(msg)


def _check_schedule(schedule: Callable[[int], float]) -> None:
    for step in (0, 1):
        with user_code(f"Workload.schedule({step})"):
            factor = schedule(step)
        if isinstance(factor, bool) or not isinstance(factor, numbers.Real):
            msg = f"Workload.schedule must return a number, not {type(factor).__name__} (at step {step})."
            raise WorkloadError(msg)
