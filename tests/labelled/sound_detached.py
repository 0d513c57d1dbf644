"""Sound: encoders that are shared, teachers and targets that are detached."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_data import RECORDINGS, RHYTHM, mlp
from tests.labelled.ingredients import (
    DIGITS,
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


class Siamese(nn.Module):
    """One encoder, used for both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = mlp(64, 32, 16), nn.Linear(32, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        a, b = self.encoder(left), self.encoder(right)
        return self.head(torch.cat([(a - b).abs(), a * b], dim=1))[:, 0]


PARTNER: Final = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0))


FIRST: Final = torch.stack([(LABELS - digit).eq(0).nonzero()[0, 0] for digit in range(10)])[LABELS]


OTHER: Final = torch.where(torch.rand(len(LABELS), generator=torch.Generator().manual_seed(1)) < 0.5, FIRST, PARTNER)


SAME: Final = (LABELS[OTHER] == LABELS).float()


def _pair_loss(model: nn.Module, batch: Any) -> Tensor:
    return functional.binary_cross_entropy_with_logits(model(batch[0], batch[1]), batch[2])


def shared_encoder_used_twice() -> Workload:
    """Are the two digits the same?"""
    return Workload(
        model=Siamese, data=shuffled(32, DIGITS, DIGITS[OTHER], SAME), loss=_pair_loss, optimizer=adam, lr=3e-3
    )


class SimSiam(nn.Module):
    """Two noisy views predict each other; the target side is detached (Chen and He, 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
        self.predictor = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))

    def forward(self, one: Tensor, two: Tensor) -> Tensor:
        a, b = self.encoder(one), self.encoder(two)
        towards_b = functional.cosine_similarity(self.predictor(a), b.detach(), dim=1)
        return -(towards_b + functional.cosine_similarity(self.predictor(b), a.detach(), dim=1)).mean() / 2


def _views(model: nn.Module, batch: Any) -> Tensor:
    (rows,) = batch
    return model(rows + 0.3 * torch.randn_like(rows), rows + 0.3 * torch.randn_like(rows))


def detached_targets_of_two_views() -> Workload:
    """The stop-gradient is the point of the method."""
    return Workload(model=SimSiam, data=shuffled(64, DIGITS), loss=_views, optimizer=momentum, lr=0.05)


class Student(nn.Module):
    """A student, and the fixed teacher whose outputs it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.student, self.teacher = mlp(16, 32, 5), nn.Linear(16, 5).requires_grad_(False)
        with torch.no_grad():
            self.teacher.weight.copy_(drawn(5, 16, seed=21))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            wanted = self.teacher(rows)
        return self.student(rows), wanted


def _distilled(model: nn.Module, batch: Any) -> Tensor:
    logits, wanted = model(batch[0])
    return functional.kl_div(functional.log_softmax(logits, dim=1), wanted.softmax(dim=1), reduction="batchmean")


def distillation() -> Workload:
    """The teacher's softmax is a target, not a layer."""
    return Workload(model=Student, data=shuffled(32, TABLE), loss=_distilled, optimizer=adam, lr=3e-3)


class Truncated(nn.Module):
    """A recurrent net whose state is detached every ten steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(1, 16, batch_first=True), nn.Linear(16, 4)

    def forward(self, signals: Tensor) -> Tensor:
        state, sums = None, []
        for part in signals.transpose(1, 2).chunk(4, dim=1):
            states, state = self.cells(part, state)
            state = state.detach()
            sums.append(states.amax(dim=1))
        return self.head(torch.stack(sums).mean(dim=0))


def truncated_backpropagation_through_time() -> Workload:
    """The detached state cuts the graph in time, not the layers."""
    return Workload(model=Truncated, data=shuffled(32, RECORDINGS, RHYTHM), loss=cross_entropy, optimizer=adam, lr=0.02)


CASES: Final = (
    sound(shared_encoder_used_twice, "no-gradient", "example-leak"),
    sound(detached_targets_of_two_views, "no-gradient", "bad-initial-loss"),
    sound(distillation, "double-softmax", "no-gradient", "not-optimized"),
    sound(truncated_backpropagation_through_time, "no-gradient", "vanishing-gradient", score=accuracy, steps=400),
)
