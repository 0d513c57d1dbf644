"""One forward and backward pass of a throw-away model: what a stack has to know before it is built."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.seeding import RandomState, random_state_kept

_COMPILED: Final = ("OptimizedModule", "ScriptModule", "RecursiveScriptModule", "TopLevelTracedModule")
_WRAPPED: Final = ("DistributedDataParallel", "FullyShardedDataParallel", "DataParallel")


@dataclass(frozen=True, kw_only=True)
class FirstPass:
    """What the pass showed.

    Attributes:
        idle: names of trainable parameters that got no gradient.
        changed: names of buffers that the forward pass changed.
        draws: whether it drew random numbers.
        parameter_bytes: of the trainable parameters.
        activation_bytes: kept for the backward pass.
    """

    idle: frozenset[str]
    changed: frozenset[str]
    draws: bool
    parameter_bytes: int
    activation_bytes: int


def first_pass(bench: Bench, trial: Trial) -> FirstPass:
    """Run one batch through the model of `trial`.

    Raises:
        UnstackableError: the workload is of a kind that cannot be stacked.
        UserCodeError: the user's code raised.
    """
    with random_state_kept():
        model = bench.fresh_model(trial.seed, trial.edits)
        build_optimizer(bench.workload, model, trial.lr, trial.optimizer)  # some freeze parameters
        check(bench, model)
        _check_probing(bench, model)
        before = _buffers(model)
        batch = next(bench.training_batches(trial.seed))
        state = RandomState.capture()
        names, parameters = zip(*_trainable(model), strict=True)
        sizes: dict[int, int] = {}
        with _saved_sizes(sizes), sdpa_kernel(SDPBackend.MATH):  # as in the stack: it keeps more than fused attention
            loss = bench.loss(model, batch)
            found = torch.autograd.grad(loss.reshape(()), parameters, allow_unused=True)
        for parameter in parameters:
            sizes.pop(parameter.untyped_storage().data_ptr(), None)
        return FirstPass(
            idle=frozenset(name for name, gradient in zip(names, found, strict=True) if gradient is None),
            changed=frozenset(name for name, value in model.named_buffers() if _differ(before.get(name), value)),
            draws=drew(state),
            parameter_bytes=sum(one.numel() * one.element_size() for one in parameters),
            activation_bytes=sum(sizes.values()),
        )


def check(bench: Bench, model: nn.Module) -> None:
    """Raise `UnstackableError` where stacking is known to mean something else than training one after another."""
    modules = [type(module).__name__ for module in model.modules()]
    trainable = [parameter for _, parameter in _trainable(model)]
    hooks = ("_backward_hooks", "_post_accumulate_grad_hooks")
    reasons = {
        "float16 autocast scales every trial's loss by itself": bench.workload.autocast is torch.float16,
        "the loss differentiates by itself": bench.seen.needs_gradient,
        "the model is compiled": any(name in _COMPILED for name in modules),
        "the model is wrapped for several devices": any(name in _WRAPPED for name in modules),
        "its parameters are no plain tensors": any(type(one.data) is not Tensor for one in trainable),
        "its parameters are not all real numbers": any(not one.is_floating_point() for one in trainable),
        "it lies on several devices": len({one.device for one in model.parameters()}) > 1,
        "hooks are attached to its parameters": any(getattr(one, hook, None) for one in trainable for hook in hooks),
    }
    for reason, holds in reasons.items():
        if holds:
            raise UnstackableError(reason)


def _check_probing(bench: Bench, model: nn.Module) -> None:
    before = _buffers(model)
    bench.probe_loss(model)
    if any(_differ(before.get(name), value) for name, value in model.named_buffers()):
        msg = "its buffers change where it is only evaluated"
        raise UnstackableError(msg)


def _buffers(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.named_buffers()}


def drew(state: RandomState) -> bool:
    """Return whether random numbers were drawn since `state`."""
    now = RandomState.capture()
    return not (
        torch.equal(state.torch_cpu, now.torch_cpu)
        and all(torch.equal(one, other) for one, other in zip(state.cuda, now.cuda, strict=False))
        and state.python == now.python
        and all(bool((one == other).all()) for one, other in _arrays(state.numpy, now.numpy))
        and state.numpy[2:] == now.numpy[2:]
    )


def _arrays(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    yield one[1], other[1]


def _trainable(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _differ(before: Tensor | None, after: Tensor) -> bool:
    return before is None or before.shape != after.shape or not torch.equal(before, after)


@contextmanager
def _saved_sizes(sizes: dict[int, int]) -> Iterator[None]:
    """Note the bytes of every storage that autograd keeps, by its address."""

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield
