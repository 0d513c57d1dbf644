"""Sound: losses that look like mistakes and are none."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Optimizer

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.faulty_losses import LEFT, RIGHT, Towers
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    drawn,
    momentum,
    shuffled,
)
from trainsense import Workload

DIGIT_BATCHES: Final = shuffled(32, DIGITS, LABELS)


Loss = Callable[[nn.Module, Any], Tensor]


def _quantiles(model: nn.Module, batch: Any) -> Tensor:
    levels = torch.tensor([0.1, 0.5, 0.9])
    error = batch[1] - model(batch[0])
    return torch.maximum(levels * error, (levels - 1) * error).mean()


def three_quantiles_of_one_target() -> Workload:
    """(N, 3) against (N, 1), broadcast on purpose."""
    return Workload(
        model=lambda: mlp(16, 32, 3), data=shuffled(32, TABLE, CURVE), loss=_quantiles, optimizer=adam, lr=5e-3
    )


def _ranking(model: nn.Module, batch: Any) -> Tensor:
    score, target = model(batch[0]), batch[1]
    ahead = (target - target.T).sign()
    return functional.softplus(-(score - score.T) * ahead)[ahead != 0].mean()


def every_pair_ranked() -> Workload:
    """(N, 1) against (1, N), broadcast on purpose."""
    return Workload(
        model=lambda: mlp(16, 32, 1), data=shuffled(24, TABLE, CURVE), loss=_ranking, optimizer=adam, lr=3e-3
    )


def _gaussian(model: nn.Module, batch: Any) -> Tensor:
    mean, log_variance = model(batch[0]).chunk(2, dim=1)
    return functional.gaussian_nll_loss(mean, batch[1], log_variance.exp())


def mean_and_variance() -> Workload:
    """A Gaussian likelihood: its loss becomes negative."""
    return Workload(
        model=lambda: mlp(16, 48, 2, nn.Tanh), data=shuffled(32, TABLE, CURVE), loss=_gaussian, optimizer=adam, lr=5e-3
    )


def _contrastive(model: nn.Module, batch: Any) -> Tensor:
    left, right = (functional.normalize(side, dim=1) for side in model(*batch))
    logits, own = left @ right.T / 0.1, torch.arange(len(left))
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def two_towers_that_find_each_other() -> Workload:
    """The batch's other examples are the negatives, in the loss."""
    return Workload(model=Towers, data=shuffled(32, LEFT, RIGHT), loss=_contrastive, optimizer=adam, lr=3e-3)


class Clip(nn.Module):
    """Two towers that return their similarities, (N, N), as CLIP does."""

    def __init__(self) -> None:
        super().__init__()
        self.towers, self.scale = Towers(), nn.Parameter(torch.tensor(2.6))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        a, b = (functional.normalize(side, dim=1) for side in self.towers(left, right))
        return self.scale.exp() * a @ b.T


def _clip_loss(model: nn.Module, batch: Any) -> Tensor:
    return functional.cross_entropy(model(*batch), torch.arange(len(batch[0])))


def similarities_as_the_output() -> Workload:
    """Each row of the output holds the other examples, by design."""
    return Workload(model=Clip, data=shuffled(16, LEFT, RIGHT), loss=_clip_loss, optimizer=adam, lr=3e-3)


def _lightly_penalised(model: nn.Module, batch: Any) -> Tensor:
    penalty = torch.stack([weight.square().sum() for weight in model.parameters()]).sum()
    return functional.cross_entropy(model(batch[0]), batch[1]) + 1e-4 * penalty


def penalty_of_a_ten_thousandth() -> Workload:
    """A ridge penalty as usual."""
    return Workload(
        model=lambda: mlp(64, 48, 10), data=DIGIT_BATCHES, loss=_lightly_penalised, optimizer=momentum, lr=0.05
    )


def weight_decay_of_a_tenth() -> Workload:
    """AdamW as language models use it."""

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1, betas=(0.9, 0.95))

    return Workload(
        model=lambda: mlp(16, 32, 5), data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=optimizer, lr=3e-3
    )


def weight_decay_of_residual_nets() -> Workload:
    """SGD with 5e-4."""

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        return SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4, nesterov=True)

    return Workload(model=lambda: mlp(64, 48, 10), data=DIGIT_BATCHES, loss=cross_entropy, optimizer=optimizer, lr=0.05)


ACTION_VALUES: Final = TABLE[:, :8] @ drawn(8, 4, seed=24)


def _reinforce(model: nn.Module, batch: Any) -> Tensor:
    policy = torch.distributions.Categorical(logits=model(batch[0]))
    action = policy.sample()  # type: ignore[no-untyped-call]
    reward = batch[1].gather(1, action[:, None])[:, 0]
    return -((reward - batch[1].mean(dim=1)) * policy.log_prob(action)).mean() - 0.01 * policy.entropy().mean()  # type: ignore[no-untyped-call]


def taken_value(model: nn.Module, batch: Any) -> float:
    """Return the mean value of the most probable action, as a share of the best."""
    chosen = batch[1].gather(1, model(batch[0]).argmax(dim=1, keepdim=True))
    return float(chosen.mean() / batch[1].amax(dim=1).mean())


def policy_gradient() -> Workload:
    """A loss whose level says nothing, with an action drawn at every call."""
    return Workload(
        model=lambda: mlp(16, 32, 4, nn.Tanh),
        data=shuffled(64, TABLE, ACTION_VALUES),
        loss=_reinforce,
        optimizer=adam,
        lr=5e-3,
    )


CASES: Final = (
    sound(three_quantiles_of_one_target, "broadcast-loss"),
    sound(every_pair_ranked, "broadcast-loss", "example-leak"),
    sound(mean_and_variance, "bad-initial-loss", "cannot-overfit-batch"),
    sound(two_towers_that_find_each_other, "example-leak", "bad-initial-loss"),
    sound(similarities_as_the_output, "example-leak"),
    sound(penalty_of_a_ten_thousandth, "over-regularized", score=accuracy),
    sound(weight_decay_of_a_tenth, "over-regularized", score=accuracy),
    sound(weight_decay_of_residual_nets, "over-regularized", score=accuracy),
    sound(policy_gradient, "cannot-overfit-batch", "bad-initial-loss", score=taken_value),
)
