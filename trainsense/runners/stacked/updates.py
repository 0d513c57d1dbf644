"""The updates of torch's optimizers on a stack of parameters, each trial with a learning rate of its own.

Parameters, gradients and moments are tensors of shape `(trials, scalars)`: all parameters of a group side by side. The
formulas are those of `torch.optim`, in its order of operations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer, RMSprop

NADAM_DECAY: Final = 0.96
"""Base of NAdam's momentum schedule (Dozat, 2016), as in torch."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """One step of one parameter group.

    Args:
        number: of the step, from 1.
        lr: shape `(trials, 1)`, in double precision where the device has it.
        weight_decay: likewise; None where it is 0 for all.
        options: the group's other settings, the same for all trials.
    """

    number: int
    lr: Tensor
    weight_decay: Tensor | None
    options: Mapping[str, Any]


State = dict[str, Tensor]
"""What an optimizer remembers of a group: tensors of shape `(trials, scalars)` by name."""

Rule = Callable[[Tensor, Tensor, State, Update], None]
"""Changes the parameters in place: `(weights, gradient, state, update)`. The gradient may be overwritten."""


def sgd(weights: Tensor, gradient: Tensor, state: State, update: Update) -> None:
    """Update as `torch.optim.SGD` does: momentum, dampening, Nesterov (Sutskever et al., 2013)."""
    options = update.options
    gradient = _ascended_and_decayed(weights, gradient, update)
    momentum = options["momentum"]
    if momentum:
        if "momentum" in state:
            state["momentum"].mul_(momentum).add_(gradient, alpha=1 - options["dampening"])
        else:
            state["momentum"] = gradient.clone()
        gradient = gradient.add_(state["momentum"], alpha=momentum) if options["nesterov"] else state["momentum"]
    weights.addcmul_(gradient, (-update.lr).to(weights.dtype))


def adam(weights: Tensor, gradient: Tensor, state: State, update: Update) -> None:
    """Update as `torch.optim.Adam` and `AdamW` do (Kingma and Ba, 2015; Loshchilov and Hutter, 2019)."""
    options = update.options
    beta1, beta2 = (float(beta) for beta in options["betas"])
    gradient = _decayed(weights, gradient, update)
    mean, square = _moment(state, "mean", weights), _moment(state, "square", weights)
    mean.lerp_(gradient, 1 - beta1)
    square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    if options.get("amsgrad"):
        largest = _moment(state, "largest", weights)
        torch.maximum(largest, square, out=largest)
        square = largest
    bias1, bias2 = 1 - beta1**update.number, 1 - beta2**update.number
    step = torch.sqrt(square, out=gradient).div_(bias2**0.5).add_(options["eps"])
    torch.div(mean, step, out=step)
    weights.addcmul_(step, (-update.lr / bias1).to(weights.dtype))


def nadam(weights: Tensor, gradient: Tensor, state: State, update: Update) -> None:
    """Update as `torch.optim.NAdam` does (Dozat, 2016)."""
    options, number = update.options, update.number
    beta1, beta2 = (float(beta) for beta in options["betas"])
    gradient = _decayed(weights, gradient, update)
    mean, square = _moment(state, "mean", weights), _moment(state, "square", weights)
    momenta = [beta1 * (1.0 - 0.5 * NADAM_DECAY ** (step * options["momentum_decay"])) for step in range(1, number + 2)]
    product = 1.0
    for momentum in momenta[:number]:
        product *= momentum
    now, after = momenta[number - 1], momenta[number]
    mean.lerp_(gradient, 1 - beta1)
    square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    scale = square.div(1 - beta2**number).sqrt_().add_(options["eps"])
    weights.addcmul_(gradient.div_(scale), (-update.lr * (1 - now) / (1 - product)).to(weights.dtype))
    weights.addcmul_(torch.div(mean, scale, out=scale), (-update.lr * after / (1 - product * after)).to(weights.dtype))


def rmsprop(weights: Tensor, gradient: Tensor, state: State, update: Update) -> None:
    """Update as `torch.optim.RMSprop` does (Tieleman and Hinton, 2012; centered: Graves, 2013)."""
    options = update.options
    alpha, momentum = options["alpha"], options["momentum"]
    gradient = _ascended_and_decayed(weights, gradient, update)
    square = _moment(state, "square", weights)
    square.mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
    if options["centered"]:
        mean = _moment(state, "mean", weights)
        mean.lerp_(gradient, 1 - alpha)
        scale = square.addcmul(mean, mean, value=-1).sqrt_()
    else:
        scale = square.sqrt()
    step = gradient.div_(scale.add_(options["eps"]))
    if momentum > 0:
        step = _moment(state, "momentum", weights).mul_(momentum).add_(step)
    weights.addcmul_(step, (-update.lr).to(weights.dtype))


RULES: Final[Mapping[type[Optimizer], Rule]] = {SGD: sgd, Adam: adam, AdamW: adam, NAdam: nadam, RMSprop: rmsprop}
"""The optimizers that can be stacked; a class derived from one of them may step in its own way, and cannot."""


def _decayed(weights: Tensor, gradient: Tensor, update: Update) -> Tensor:
    """Decay as the Adam family does: decoupled from the gradient where so set."""
    if update.options.get("decoupled_weight_decay"):
        if update.weight_decay is not None:
            weights.mul_((1 - update.lr * update.weight_decay).to(weights.dtype))
        return gradient.neg_() if update.options["maximize"] else gradient
    return _ascended_and_decayed(weights, gradient, update)


def _ascended_and_decayed(weights: Tensor, gradient: Tensor, update: Update) -> Tensor:
    if update.options["maximize"]:
        gradient.neg_()
    if update.weight_decay is not None:
        gradient.addcmul_(weights, update.weight_decay.to(weights.dtype))
    return gradient


def _moment(state: State, name: str, like: Tensor) -> Tensor:
    if name not in state:
        state[name] = torch.zeros_like(like)
    return state[name]
